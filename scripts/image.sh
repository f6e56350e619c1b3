#!/bin/sh
# Builds the image `carshare` with docker or podman. $1: its tag. PROFILE=release builds faster, and a larger binary.
set -eu
cd "$(dirname "$0")/.."
. scripts/containers.sh
use_engine
tag=${1:-local}
options=""
# Base images are pulled, or made from Debian packages where no registry can be reached.
if [ "$engine" = podman ] && ! podman image exists docker.io/library/rust:1.95-bookworm &&
    ! timeout 60 podman pull -q docker.io/library/rust:1.95-bookworm >/dev/null 2>&1; then
    scripts/local-images.sh
fi
if [ "$engine" = podman ] && [ "$(podman image inspect --format '{{index .Labels "carshare.local"}}' docker.io/library/rust:1.95-bookworm)" = yes ]; then
    options=$(scripts/local-images.sh trust)
fi
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# shellcheck disable=SC2086 # options are words
$engine build $options --tag "carshare:$tag" --build-arg "PROFILE=${PROFILE:-dist}" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" .
$engine image inspect --format 'carshare:'"$tag"' has {{.Size}} bytes' "carshare:$tag"
