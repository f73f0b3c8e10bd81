#!/usr/bin/env bash
# Starts the small and the large demo, each with its own Postgres, primary and one edge, and has
# bench/load/sizes.js ask every endpoint of both edges: with the cache, and, after a restart, without.
# The report says, too, how long the data took to make, to copy and to pack, and what it weighs.
#
#   make bench-sizes                     about an hour for the first run, then ten minutes: the data stays
#   make bench-sizes SIZES=folder        where it is kept, 40 GB; .bench/sizes else
#
# Ctrl-C ends everything it started.
set -euo pipefail

commit=$1
dir=${SIZES:-.bench/sizes}
report=bench/results/sizes-$(date -u +%F)-$commit.md
small=18080 large=18180 # ports of the primaries; the edges have the next
mkdir -p "$dir" bench/results
pids=()

stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap stop EXIT

start() { # size port
  OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off LOG_LEVEL=info LOG_FORMAT=json \
    bin/outpost dev --regions fra,iad --base-port "$2" --data "$dir/$1" --size "$1" >>"$dir/$1.log" 2>&1 &
  pids+=($!)
}

ready() { # port: until the edge is, or the process has ended
  until curl -fs -o /dev/null "http://127.0.0.1:$(($1 + 1))/readyz"; do
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2>/dev/null || { echo "outpost dev has ended: see $dir/*.log" >&2; exit 1; }
    done
    sleep 1
  done
}

compare() { # heading
  start small $small
  start large $large
  ready $small
  ready $large
  SMALL=http://127.0.0.1:$((small + 1)) LARGE=http://127.0.0.1:$((large + 1)) OUT=$dir/table.md \
    .bin/k6 run --quiet --no-usage-report bench/load/sizes.js
  stop
  { echo "## $1"; echo; cat "$dir/table.md"; echo; } >>"$report.part"
}

# The last value of a field in the lines of a log that have this message, or a dash.
logged() { # size message field [region]
  { grep -h "\"msg\":\"$2\"" "$dir/$1.log" || true; } | { grep "\"region\":\"${4:-}" || [ -z "${4:-}" ]; } |
    sed -nE "s/.*\"$3\":\"?([^,\"}]*).*/\1/p" | tail -1 | grep . || echo –
}

weight() { du -sb --apparent-size "$@" 2>/dev/null | awk '{ n += $1 } END { printf "%.0f MB", n / 1e6 }'; }

weights() {
  echo "| | small | large |"
  echo "| --- | ---: | ---: |"
  row() { echo "| $1 | $2 | $3 |"; }
  both() { row "$1" "$(logged small "$2" "$3" "${4:-}")" "$(logged large "$2" "$3" "${4:-}")"; }
  both "rows made by \`outpost seed\`" "demo data is in" rows
  both "in ms" "demo data is in" took_ms
  row "Postgres, its folder of tables and indexes" "$(weight "$dir"/small/postgres/data/base)" "$(weight "$dir"/large/postgres/data/base)"
  both "rows of the first copy" "generation begun" rows
  both "in ms" "generation begun" took_ms
  row "SQLite replica" "$(weight "$dir"/small/iad/replica/replica.db)" "$(weight "$dir"/large/iad/replica/replica.db)"
  both "snapshot, in bytes" "snapshot made" bytes
  both "made in ms" "snapshot made" took_ms
}

: >"$report.part"
compare "As it comes, with the cache"
OUTPOST_CACHE_BYTES=off compare "Without the cache: every answer is read from the replica"
{
  echo "# The large demo beside the small one"
  echo
  echo "\`make bench-sizes\` at $commit on $(date -u +%F), $(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(free -g | awk '/^Mem/ { print $2 }') GiB;"
  echo "k6, both Postgres, both primaries and both edges share them."
  echo
  weights
  echo
  cat "$report.part"
} >"$report"
rm "$report.part"
echo "$report"
