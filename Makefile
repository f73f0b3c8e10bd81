# Two commands matter: `make run` and `make test`. `make` alone lists the rest.
# Nothing here needs Docker, root or a fixed port, and nothing is written outside
# this folder and Go's caches.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Of `make run` and `make load`. Another PORT has another data folder, so that two
# can run side by side.
PORT := 8080
DATA = ./.outpost$(if $(filter-out 8080,$(PORT)),-$(PORT))
SIZE := small
SEED := 1

# Of the tests. RACE= leaves the race detector (and its C compiler) out; ARGS goes to
# `go test`, PKG names packages. SQLite's own code is left out: it is C, translated, with its
# memory outside of Go's, where the detector sees nothing and takes half the time.
RACE := -race '-gcflags=modernc.org/sqlite/lib=-race=false -d=checkptr=0'
ARGS :=
PKG := ./... ./.ci

# bench and each folder in it or in .ci that has a go.mod are modules of their own; their tests run unless PKG
# names others. Those of bench run without the race detector, under which k6 takes minutes to compile.
modules := $(patsubst %/go.mod,%,$(wildcard bench/*/go.mod .ci/*/go.mod))
each = $(foreach module,$(1),(cd $(module) && $(2)) &&) :
alone = $(if $(filter file,$(origin PKG)),$(each),:)

# Of the measurements. BASE is what bench-compare compares the working tree with.
FUZZTIME := 30s
BENCH := .
BENCHTIME := 300ms
COUNT := 6
BASE := HEAD
LOAD := smoke arrival
RESULTS := .bench
ROUNDS := 5
SECONDS := 5
MEDIUM :=
ONLY :=
PROFILE :=
SIZES :=

TOOLS := benchstat gofumpt golangci-lint oapi-codegen sqlc

# The version comes from git here, not from the go command: that one fails in a clone
# that belongs to somebody else.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

##@ Use

.PHONY: run
run: need-postgres build ## a private Postgres, a primary and two edges on demo data (PORT=9000 DATA=folder SIZE=medium SEED=7)
	@exec bin/outpost dev --base-port $(PORT) --data "$(DATA)" --size $(SIZE) --seed $(SEED)

# Without C, as the image is: then it takes no library of the system into memory. The image's own
# build is in the Dockerfile.
.PHONY: build
build: ## the program, as bin/outpost
	CGO_ENABLED=0 go build -ldflags "-X main.version=$(VERSION)" -o bin/outpost .

##@ Check

.PHONY: test
test: need-postgres need-browser need-cc need-peers .bin/gotest .bin/k6 .bin/web/installed ## every test; one that is skipped counts as failed (PKG=./server/... ARGS='-run Name')
	@CGO_ENABLED=$(if $(RACE),1,0) .bin/gotest $(RACE) -timeout 20m $(ARGS) $(PKG)
	@$(call alone,$(modules),CGO_ENABLED=$(if $(RACE),1,0) "$(CURDIR)/.bin/gotest" $(RACE) -timeout 5m $(ARGS) ./...)
	@$(call alone,bench,"$(CURDIR)/.bin/gotest" -timeout 5m $(ARGS) ./...)

.PHONY: test-long
test-long: need-postgres need-browser need-cc need-peers .bin/gotest .bin/k6 .bin/web/installed ## the same three times over, in random order, with the long runs of the random tests
	@OUTPOST_TEST_LONG=1 CGO_ENABLED=$(if $(RACE),1,0) .bin/gotest $(RACE) -count=3 -shuffle=on -timeout 3h $(ARGS) $(PKG)
	@$(call alone,$(modules),OUTPOST_TEST_LONG=1 CGO_ENABLED=$(if $(RACE),1,0) "$(CURDIR)/.bin/gotest" $(RACE) -count=3 -shuffle=on -timeout 30m $(ARGS) ./...)
	@$(call alone,bench,"$(CURDIR)/.bin/gotest" -count=3 -shuffle=on -timeout 30m $(ARGS) ./...)

.PHONY: check
check: lint tidy-check generate-check build test ## all that CI does

# Part of `make test`; alone, it needs no Postgres and takes a second.
.PHONY: check-courses
check-courses: ## the courses in sql/seed/courses: complete, well-formed, as long as they say
	@go test -count=1 -run '^TestCourses' ./sql/seed

.PHONY: lint
lint: .bin/golangci-lint lint-openapi ## golangci-lint, formatting included, and the OpenAPI document by spectral and redocly
	.bin/golangci-lint run --allow-parallel-runners ./... ./.ci
	$(call each,bench $(modules),"$(CURDIR)/.bin/golangci-lint" run --allow-parallel-runners ./...)

# A warning fails as well. Neither linter says anything to anybody else.
.PHONY: lint-openapi
lint-openapi: .bin/openapi/installed
	@.bin/openapi/node_modules/.bin/spectral lint --quiet --fail-severity=warn --ruleset .ci/openapi/spectral.yaml server/api/openapi.yaml
	@out=$$(REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true .bin/openapi/node_modules/.bin/redocly lint \
	  --config .ci/openapi/redocly.yaml server/api/openapi.yaml 2>&1) || { echo "$$out"; exit 1; }

# A picture of every page, of some in the other language, colours and width too.
.PHONY: screenshots
screenshots: need-postgres need-browser ## what the pages look like, into web/screenshots
	@go test -count=1 ./server/e2e/web -screenshots "$(CURDIR)/web/screenshots"

.PHONY: tidy-check
tidy-check:
	go mod tidy -diff
	$(call each,bench $(modules),go mod tidy -diff)

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME=30s
	@grep -rlE --include='*_test.go' '^func Fuzz' replicate server sql web | while read -r file; do \
	  for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
	    echo "== $$name"; \
	    go test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) "./$$(dirname "$$file")" </dev/null || exit 1; \
	  done; \
	done

##@ Change

.PHONY: fmt
fmt: .bin/gofumpt ## format every Go file that is not generated
	.bin/gofumpt -w . .ci/*.go .ci/*/*.go

.PHONY: generate
generate: .bin/sqlc .bin/oapi-codegen ## the code made from SQL and from the OpenAPI document
	.bin/sqlc generate -f sql/sqlc.yaml
	cd server/api && for config in $(OPENAPI); do ../../.bin/oapi-codegen -config $$config openapi.yaml; done

# The types of the server, and the client of a test.
OPENAPI := oapi-codegen.yaml ../e2e/client/oapi-codegen.yaml

.PHONY: generate-check
generate-check: .bin/sqlc .bin/oapi-codegen
	.bin/sqlc diff -f sql/sqlc.yaml
	@tmp=$$(mktemp -d); trap 'rm -r "$$tmp"' EXIT; cd server/api; \
	for config in $(OPENAPI); do \
	  sed "s|^output:.*|output: $$tmp/now.go|" $$config > "$$tmp/config.yaml"; \
	  ../../.bin/oapi-codegen -config "$$tmp/config.yaml" openapi.yaml; \
	  diff -u $$(sed -n 's/^output: *//p' $$config) "$$tmp/now.go" || \
	  { echo "openapi.yaml says something else now: make generate"; exit 1; }; \
	done

##@ Measure

# Every package that has benchmarks, in the tree where it is asked, unless PKG names others.
BENCHED = $(if $(filter file,$(origin PKG)),$$(grep -rlE --include='*_test.go' '^func Benchmark' replicate server sql | xargs -n1 dirname | sort -u | sed 's|^|./|'),$(PKG))
GOBENCH = go test -run='^$$' -bench='$(BENCH)' -benchtime=$(BENCHTIME) -benchmem -count=$(COUNT) -timeout 1h $(BENCHED)

.PHONY: bench
bench: need-postgres ## Go benchmarks, some minutes of them (BENCH=Hit PKG=./server/cache COUNT=6 BENCHTIME=300ms)
	@mkdir -p .bench
	$(GOBENCH) | tee .bench/new.txt

.PHONY: bench-compare
bench-compare: need-postgres .bin/benchstat .bin/benchgate ## the working tree's against those of BASE=HEAD; fails where more is allocated
	@mkdir -p .bench; tree=$$(mktemp -d); trap 'git worktree remove --force "$$tree"' EXIT; \
	git worktree add --quiet --detach "$$tree" $(BASE); \
	(cd "$$tree" && $(GOBENCH)) | tee .bench/old.txt; \
	$(GOBENCH) | tee .bench/new.txt; \
	.bin/benchstat $(BASE)=.bench/old.txt now=.bench/new.txt; \
	.bin/benchgate .bench/old.txt .bench/new.txt

.PHONY: load
load: .bin/k6 ## k6's scenarios against a running `make run` without limits (PORT=9000 LOAD="learner geo" SHORT=1 WRITES=20 RESULTS=bench/results)
	@ports() { echo "http://127.0.0.1:$$1,http://127.0.0.1:$$(($$1 + 1)),http://127.0.0.1:$$(($$1 + 2))"; }; \
	export COMMIT="$(VERSION)" BASE_URLS="$${BASE_URLS:-$$(ports $(PORT))}" ADMIN_URLS="$${ADMIN_URLS-$$(ports $$(($(PORT) + 1000)))}"; \
	mkdir -p "$(RESULTS)"; \
	for script in $(LOAD); do \
	  .bin/k6 run $$([ -t 1 ] || echo --quiet) --no-usage-report \
	    --out outpost="$(RESULTS)/$$script-$$(date -u +%F)-$(VERSION).json" bench/load/$$script.js || exit 1; \
	done

.PHONY: load-compare
load-compare: ## two results of k6, and whether the second is worse (A=bench/results/x.json B=bench/results/y.json)
	@cd bench && go build -o ../.bench/report ./report
	@.bench/report compare "$(A)" "$(B)"

.PHONY: bench-replicate
bench-replicate: need-postgres build ## replication against Postgres' own, into bench/results (ROUNDS=5 ONLY=1,2 PROFILE=folder)
	@cd bench/replicate && go build -o ../../.bench/replicate .
	@.bench/replicate -outpost bin/outpost -commit "$(VERSION)" -rounds $(ROUNDS) -only "$(ONLY)" -profile "$(PROFILE)" -out bench/results

.PHONY: bench-peers
bench-peers: need-postgres need-peers build ## answers against those of nginx, Varnish, Redis and others, into bench/results (ROUNDS=5 SECONDS=5 ONLY=nginx,hit)
	@cd bench/peers && go build -o ../../.bench/peers .
	@.bench/peers -outpost bin/outpost -commit "$(VERSION)" -rounds $(ROUNDS) -seconds $(SECONDS) -only "$(ONLY)" $(if $(MEDIUM),-medium) -out bench/results

.PHONY: bench-sizes
bench-sizes: need-postgres build .bin/k6 ## every endpoint's p95 on the large demo beside the small one, into bench/results (SIZES=folder with 45 GB)
	@SIZES="$(SIZES)" bench/sizes.sh "$(VERSION)"

##@ House

.PHONY: tools
tools: $(addprefix .bin/,$(TOOLS)) ## every program in .ci/tools, into .bin

.PHONY: clean
clean: ## remove what was built, and what was measured with; data of `make run` stays until `rm -r .outpost*`
	rm -rf bin .bin .bench

.PHONY: need-postgres need-browser need-cc need-peers
need-postgres:
	@.ci/need postgres

# Only once a test drives a browser.
need-browser:
	@! grep -q chromedp go.mod || .ci/need chromium

need-peers:
	@.ci/need nginx varnish wrk redis

need-cc:
	@$(if $(RACE),.ci/need cc)

$(addprefix .bin/,$(TOOLS)): .bin/%: .ci/tools
	@package=$$(sed -n 's/^$* //p' .ci/tools); echo "installing $$package …"; \
	GOBIN="$(CURDIR)/.bin" go install "$$package"; touch $@

# The linters of the OpenAPI document: fetched again when the lock changes, and used without a
# network from then on.
.bin/openapi/installed: .ci/openapi/package-lock.json
	@.ci/need node; echo "installing the linters of the OpenAPI document …"; \
	mkdir -p .bin/openapi; cp .ci/openapi/package.json .ci/openapi/package-lock.json .ci/openapi/.npmrc .bin/openapi; \
	cd .bin/openapi; log=$$(npm ci 2>&1) || { echo "$$log"; exit 1; }; touch installed

# What the tests of the pages look for errors of accessibility with; the same way.
.bin/web/installed: .ci/web/package-lock.json
	@.ci/need node; echo "installing what the pages are tested with …"; \
	mkdir -p .bin/web; cp .ci/web/package.json .ci/web/package-lock.json .ci/web/.npmrc .bin/web; \
	cd .bin/web; log=$$(npm ci 2>&1) || { echo "$$log"; exit 1; }; touch installed

.bin/gotest: .ci/gotest.go
	@go build -o $@ $<

.bin/benchgate: $(wildcard .ci/benchgate/*.go) .ci/benchgate/go.mod
	@cd .ci/benchgate && go build -o ../../.bin/benchgate .

# k6 with our output in it.
.bin/k6: bench/go.mod bench/go.sum $(wildcard bench/k6/*.go bench/k6/*/*.go bench/report/*/*.go bench/report/*/*.html)
	@echo "building k6, which takes about 90 s the first time …"
	@cd bench && go build -o ../.bin/k6 ./k6; touch ../.bin/k6
