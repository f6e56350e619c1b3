#!/bin/sh
# Calls a temporary mesh with connect-es over Connect, gRPC-web and gRPC, with grpc-js, and with connect-es in headless Chromium. $1: the
# carshare binary. Needs npm; Chromium is installed by apt if it is missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
protos=$(pwd)/proto
tools="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/web-clients"

if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo=sudo; fi
    $sudo apt-get update -qq && $sudo apt-get install -y -qq chromium
fi
mkdir -p "$tools"
cp tests/clients/web/* "$tools"
npm install --silent --no-fund --no-audit --prefix "$tools"
PATH="$tools/node_modules/.bin:$PATH" scripts/buf.sh generate --template "$tools/buf.gen.yaml" -o "$tools"

start_mesh "$1"
cd "$tools"
node node.mjs "$gateway" "$protos"
node chromium.mjs "$gateway" "$(command -v chromium)"
