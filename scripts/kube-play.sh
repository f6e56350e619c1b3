#!/bin/sh
# Plays the manifests of deploy/k8s/overlays/local with podman, as far as it knows their kinds: servers, migrations, then every Deployment.
# Waits until all are ready by their own probes, runs the README's journey, stops all, and removes what it made.
set -eu
cd "$(dirname "$0")/.."
. scripts/tools.sh
. scripts/containers.sh
. scripts/lib.sh
use_deploy_tools || { echo "kubectl is not installed and could not be installed" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "the addresses of pods are reached as root only" >&2; exit 1; }
command -v podman >/dev/null 2>&1 && command -v catatonit >/dev/null 2>&1 ||
    install_packages podman buildah runc netavark aardvark-dns iptables catatonit
engine=podman
use_engine
if ! podman image exists carshare:local; then
    scripts/image.sh local
    # Where docker is there, it has built it.
    podman image exists carshare:local || docker save carshare:local | podman load -q
fi
podman image exists docker.io/library/postgres:15 && podman image exists docker.io/library/redis:7 || scripts/local-images.sh

work=$(mktemp -d /tmp/kube-play-XXXXXX)
chmod 755 "$work"
network=kube-play
played=""
quietly() { "$@" >"$work/podman.log" 2>&1 || { cat "$work/podman.log" >&2; return 1; }; }

# clean_up: removes the pods, the network and the volumes, which are folders.
clean_up() {
    for name in $played; do podman pod rm --force --time 0 "$(pod "$name")" >/dev/null 2>&1 || true; done
    podman network rm --force "$network" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# pod NAME: the name of its pod. A Deployment's has a number.
pod() { podman pod exists "$1" && echo "$1" || echo "$1-pod-0"; }
# container NAME: the name of its container; infrastructure aside there is one.
container() { podman ps --all --filter "pod=$(pod "$1")" --format '{{.Names}}' | grep -v -e '-infra$'; }
address() { podman inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(podman pod inspect --format '{{.InfraContainerID}}' "$(pod "$1")")"; }
# fail NAME MESSAGE: prints the last lines of its log, and ends.
fail() {
    echo "$1 $2" >&2
    podman logs --tail 20 "$(container "$1")" >&2 || true
    exit 1
}

# play NAME…: starts Deployments or Jobs. Their Service is their name on the network.
play() {
    for name in "$@"; do
        played="$name $played"
        quietly podman kube play --network "$network:alias=$name" "$work/pods/$name.yaml"
    done
}

# probe KIND NAME: runs its probe; succeeds if it has none.
probe() {
    [ ! -e "$work/pods/$2.$1" ] || ip=$(address "$2") container=$(container "$2") sh "$work/pods/$2.$1"
}

# wait_ready NAME…: waits until the startup and the readiness probe of each succeed.
wait_ready() {
    deadline=$(($(date +%s) + ${TIMEOUT:-300}))
    for name in "$@"; do
        until probe startup "$name" && probe readiness "$name"; do
            [ "$(podman inspect --format '{{.State.Status}}' "$(container "$name")")" = running ] || fail "$name" "has ended"
            [ "$(date +%s)" -lt $deadline ] || fail "$name" "is not ready"
            sleep 0.5
        done
    done
}

# run_jobs NAME…: waits until each has ended well.
run_jobs() {
    play "$@"
    for name in "$@"; do
        [ "$(timeout 300 podman wait "$(container "$name")")" = 0 ] || fail "$name" "has failed"
    done
}

# stop_all NAME…: stops each within its grace period, and expects that it ends by itself.
stop_all() {
    for name in "$@"; do quietly podman pod stop --time 35 "$(pod "$name")" & done
    wait
    for name in "$@"; do
        code=$(podman inspect --format '{{.State.ExitCode}}' "$(container "$name")")
        [ "$code" = 0 ] || fail "$name" "has ended with $code"
    done
}

seconds() { echo "$(($(date +%s) - began)) s: $*"; }
began=$(date +%s)
mkdir "$work/secrets"
quietly podman run --rm --user 0:0 --volume "$work/secrets:/secrets" carshare:local carshare dev secrets /secrets
{ kubectl kustomize deploy/k8s/overlays/local; echo ---; scripts/k8s-secrets.sh "$work/secrets"; } >"$work/manifests.yaml"
python scripts/kube_play.py "$work/manifests.yaml" "$work/pods"
quietly podman network create "$network"
play postgres redis s3 sandbox
wait_ready postgres redis s3 sandbox
seconds "PostgreSQL, Redis, S3 and the sandbox are ready"
run_jobs database
run_jobs auth-migrate vehicle-migrate booking-migrate payment-migrate notification-migrate
seconds "the schemas are migrated"

# Clients reach the pods by their addresses; in a cluster by a forwarded port.
storage="http://$(address s3):8091"
python scripts/kube_play.py "$work/manifests.yaml" "$work/pods" "AUTH__OBJECTS__PUBLIC_ENDPOINT=$storage" "VEHICLE__OBJECTS__PUBLIC_ENDPOINT=$storage" "BOOKING__OBJECTS__PUBLIC_ENDPOINT=$storage"
mesh="auth vehicle booking payment notification auth-worker vehicle-worker booking-worker payment-worker notification-worker gateway reconcile"
play $mesh
wait_ready $mesh
seconds "$(echo $mesh | wc -w) Deployments are ready by their own probes"
gateway="http://$(address gateway):8080"
sandbox="http://$(address sandbox):8090"
run_journey
for name in $mesh postgres redis s3 sandbox; do
    probe liveness "$name" || fail "$name" "is not alive"
done
stop_all $mesh
seconds "all have drained and ended with 0"
