# syntax=docker/dockerfile:1

# One static binary in an otherwise empty image. Every region and both roles run
# this image; FLY_REGION and PRIMARY_REGION decide what a container becomes.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=container
ARG TARGETOS=linux
ARG TARGETARCH
# timetzdata: people's time zones come from the binary, since the image has no
# /usr/share/zoneinfo.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -tags timetzdata \
    -ldflags "-s -w -X main.version=$VERSION" -o /image/bin/outpost .
# The names behind the numbers: Fly's init looks the user up and refuses one that
# a missing /etc/passwd leaves unknown. /tmp is where SQLite sorts what is large.
RUN mkdir -p /image/data /image/etc/ssl/certs && mkdir -m 1777 /image/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    echo 'outpost:x:65532:65532::/data:/bin/outpost' > /image/etc/passwd && \
    echo 'outpost:x:65532:' > /image/etc/group && \
    chown 65532:65532 /image/data

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
ENV OUTPOST_DATA=/data
WORKDIR /data
VOLUME /data
# API, admin (metrics, health, pprof), hub.
EXPOSE 8080 9080 4222
# No ENTRYPOINT: whoever runs another command (Fly's release_command, a person)
# names the whole of it, `/bin/outpost migrate`.
CMD ["/bin/outpost", "serve"]
