#!/bin/sh
# Runs docker-compose.yml with docker or podman. `up` starts everything and waits until the demo data are loaded and every process is
# ready; `down` stops it, `reset` also deletes its data, `test` runs the README's journey against it.
# COMPOSE_PROFILES=telemetry adds the collector, Prometheus, Grafana and Jaeger, COMPOSE_PROFILES=prometheus Prometheus alone.
set -eu
cd "$(dirname "$0")/.."
. scripts/containers.sh
. scripts/lib.sh
use_engine
[ "$engine" = docker ] || command -v podman-compose >/dev/null 2>&1 || install_packages podman-compose
PROJECT=carshare
export OTLP_ENDPOINT="${OTLP_ENDPOINT:-}"
case ${COMPOSE_PROFILES:-} in
*telemetry*) OTLP_ENDPOINT=${OTLP_ENDPOINT:-http://collector:4317} ;;
esac

compose() {
    if [ "$engine" = docker ]; then
        docker compose --project-name $PROJECT "$@"
    else
        # Without systemd it says for each container that nobody runs its health check; is_ready does.
        podman-compose --project-name $PROJECT "$@" 2>"$log" >&2 || {
            cat "$log" >&2
            return 1
        }
    fi
}

log=$(mktemp /tmp/carshare-compose-XXXXXX)
trap 'rm -f "$log"' EXIT

# services: prints the services to start. Debian's podman-compose knows no profiles.
services() {
    [ "$engine" = docker ] || /usr/bin/python3 -c '
import os, sys, yaml
wanted = os.environ.get("COMPOSE_PROFILES", "").split(",")
for name, service in yaml.safe_load(sys.stdin)["services"].items():
    if set(service.get("profiles", wanted)) & set(wanted):
        print(name)' <docker-compose.yml
}

# containers: prints the names of the containers.
containers() { $engine ps --all --filter "label=com.docker.compose.project=$PROJECT" --format '{{.Names}}' | sort; }

state() { $engine inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

# is_ready CONTAINER: whether it is healthy or, for one that ends, has ended well.
is_ready() {
    case $1 in
    *secrets* | *database* | *demo*) [ "$(state "$1")" = "exited 0" ] ;;
    *)
        [ "$($engine inspect --format '{{.State.Status}}' "$1")" = running ] || return
        if [ "$engine" = podman ]; then
            # Without systemd nobody else runs the check. Debian's podman-compose gives every check to a shell, which our image has not.
            process=$(podman inspect --format '{{if .Config.Cmd}}{{index .Config.Cmd 0}}{{end}}' "$1")
            case $process in
            carshare-sandbox | carshare) ;;
            carshare-*) podman exec "$1" "$process" healthcheck >/dev/null 2>&1 ;;
            *)
                [ -z "$(podman inspect --format '{{if .Config.Healthcheck}}yes{{end}}' "$1")" ] ||
                    podman healthcheck run "$1" >/dev/null 2>&1
                ;;
            esac
        else
            case $(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1") in
            "" | healthy) ;;
            *) return 1 ;;
            esac
        fi
        ;;
    esac
}

wait_until_ready() {
    deadline=$(($(date +%s) + ${TIMEOUT:-300}))
    [ -n "$(containers)" ] || {
        cat "$log" >&2
        exit 1
    }
    for container in $(containers); do
        until is_ready "$container"; do
            [ "$(date +%s)" -lt $deadline ] || {
                echo "$container is not ready: $(state "$container")" >&2
                $engine logs --tail 20 "$container" >&2
                exit 1
            }
            sleep 1
        done
    done
}

case ${1:-} in
up)
    # shellcheck disable=SC2046 # a list of names
    compose up --detach $(services)
    wait_until_ready
    echo "carshare is running: http://localhost:8080/docs, sandbox http://localhost:8090; \`make compose-down\` stops it"
    ;;
down) compose down ;;
reset) compose down --volumes ;;
test)
    work=$(mktemp -d /tmp/carshare-compose-XXXXXX)
    trap 'rm -rf "$work" "$log"' EXIT
    gateway=http://localhost:8080 sandbox=http://localhost:8090
    run_journey
    ;;
*)
    echo "usage: compose.sh up|down|reset|test" >&2
    exit 2
    ;;
esac
