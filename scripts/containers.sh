# Functions of scripts that use containers; sourced, not run.

# use_engine: sets $engine to docker, where its engine answers, or to podman, which it installs on Debian.
use_engine() {
    if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
        engine=docker
        return
    fi
    engine=podman
    if ! command -v podman >/dev/null 2>&1; then
        command -v apt-get >/dev/null 2>&1 || {
            echo "Neither docker nor podman is installed." >&2
            return 1
        }
        install_packages podman buildah runc netavark aardvark-dns iptables uidmap
    fi
    # Where nobody has configured podman: limits that a container may have, and runc, which starts under hybrid cgroups too.
    [ -e /etc/containers/containers.conf ] || export CONTAINERS_CONF="$PWD/deploy/local-images/containers.conf"
}

# install_packages NAME…: installs packages of Debian.
install_packages() {
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    echo "Installing $*" >&2
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
