#!/bin/sh
# Runs the commands of the README's booking journey on a temporary mesh and compares their output. $1: the carshare binary.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
start_mesh "$1" --no-demo
run_journey
