#!/bin/sh
# Runs the booking journey with stock clients on a temporary mesh, and the Python and Go examples of clients/README.md. $1: the
# carshare-gateway binary, $2: the carshare binary. Go and its gRPC packages are installed by apt if they are missing.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
root=$(pwd)
venv="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/clients"

if ! cmp -s tests/clients/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q uv
    "$venv/bin/uv" pip install -q --python "$venv/bin/python" -r tests/clients/requirements.txt
    cp tests/clients/requirements.txt "$venv"
fi
PATH="$venv/bin:$PATH"
go="protobuf-compiler golang-go protoc-gen-go protoc-gen-go-grpc golang-google-grpc-dev golang-github-golang-protobuf-1-5-dev"
if ! dpkg -s $go >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo=sudo; fi
    $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $go
fi

start_mesh "$2"
python tests/clients/journey.py --gateway "$gateway" --sandbox "$sandbox" --buf "$venv/bin/buf" --schema proto

"$1" client-protos "$work/proto" >"$work/protos.log"
block text clients/README.md >"$work/expected"

# passed LANGUAGE: compares what the example in the current folder has printed.
passed() {
    diff -u "$work/expected" printed
    echo "passed: the $1 example of clients/README.md"
}

mkdir "$work/python"
cd "$work/python"
ln -s ../proto proto
block "sh python" "$root/clients/README.md" >generate
sh -e ./generate >generate.log
block python "$root/clients/README.md" >example.py
python example.py >printed
passed Python

# Debian's packages are found by GOPATH, without modules.
export GO111MODULE=off GOPATH="$work/go:/usr/share/gocode"
mkdir -p "$work/go/src/example" "$work/go/src/carshare.kr"
cd "$work/go/src/carshare.kr"
ln -s "$work/proto" proto
block "sh go" "$root/clients/README.md" | grep -v '^go install' >generate
sh -e ./generate
cd "$work/go/src/example"
block go "$root/clients/README.md" >main.go
go run . >printed
passed Go
