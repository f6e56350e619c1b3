#!/bin/sh
# Checks the configuration and the rules of Prometheus, and tests that each alert fires when it has to and only then.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
cd "$here/../deploy/observability/prometheus"

if ! use_promtool; then
    echo "promtool is not installed and could not be installed; alerts were NOT tested" >&2
    exit 1
fi
promtool check config prometheus.yml
promtool test rules tests/*_test.yml
echo "passed: alerts"
