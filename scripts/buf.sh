#!/bin/sh
# Runs buf, the linter of the protos, from PATH or from a virtual environment that is created on first use.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
use_tool buf buf-bin==1.75.0 || {
    echo "buf is not installed and could not be installed; the protos were NOT linted" >&2
    exit 0
}

cd "$here/../proto"
case "${1:-lint}" in
    lint)
        buf lint && buf format -d --exit-code --exclude-path third_party
        buf breaking --against released.binpb
        ;;
    release) buf build --exclude-source-info -o released.binpb ;;
    format) buf format -w --exclude-path third_party ;;
    *) exec buf "$@" ;;
esac
