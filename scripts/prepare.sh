#!/bin/sh
# Installs the missing packages for building, running and testing: a C compiler, protoc, PostgreSQL 15 or newer, Redis,
# libfaketime, curl, jq; with the argument `lint` also Python, with `bench` wrk, h2load and nginx. Starts no service: the mesh and the tests run
# private servers.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }
have_postgres() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

packages=""
need() { packages="$packages $1"; }

have cc || { need gcc; need libc6-dev; }
have protoc && [ -e /usr/include/google/protobuf/descriptor.proto ] || { need protobuf-compiler; need libprotobuf-dev; }
have_postgres || need postgresql
have redis-server || need redis-server
# Used by the tests of clock skew.
have faketime || need faketime
# Used by the README's commands.
have curl || need curl
have jq || need jq
if [ "${1:-}" = lint ]; then
    # For tools from PyPI.
    python3 -c 'import ensurepip' 2>/dev/null || need python3-venv
fi
if [ "${1:-}" = bench ]; then
    have wrk || need wrk
    have h2load || need nghttp2-client
    [ -x /usr/sbin/nginx ] || need nginx-light
fi
[ -z "$packages" ] && exit 0

if have apt-get; then
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        have sudo || {
            echo "Missing:$packages. Please ask an administrator to run: apt-get install$packages" >&2
            exit 1
        }
        as_root="sudo"
    fi
    echo "Installing$packages" >&2
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "Missing:$packages. Please install them and try again." >&2
    exit 1
fi
