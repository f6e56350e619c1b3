#!/bin/sh
# Makes the base and server images from Debian packages under the names that Dockerfile, docker-compose.yml and the manifests use, for
# machines that reach no image registry. An image that exists is kept. Needs root and podman.
# `local-images.sh trust` prints the options with which a build inside a container trusts the same authorities as this machine.
set -eu
cd "$(dirname "$0")/.."
. scripts/containers.sh

RUST=docker.io/library/rust:1.95-bookworm
DISTROLESS=gcr.io/distroless/cc-debian12:nonroot
POSTGRES=docker.io/library/postgres:15
REDIS=docker.io/library/redis:7
PROMETHEUS=docker.io/prom/prometheus:v2.55.1
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

if [ "${1:-}" = trust ]; then
    echo "--volume $CERTIFICATES:$CERTIFICATES:ro --env CARGO_HTTP_CAINFO=$CERTIFICATES"
    exit
fi

[ "$(id -u)" = 0 ] || {
    echo "local-images.sh makes file systems of Debian packages and has to run as root" >&2
    exit 1
}
engine=podman
use_engine
command -v debootstrap >/dev/null 2>&1 || install_packages debootstrap
work=$(mktemp -d /tmp/local-images-XXXXXX)
trap 'rm -rf "$work"' EXIT

# debian FOLDER PACKAGE…: a minimal Debian with these packages.
debian() {
    root=$1
    shift
    debootstrap --variant=minbase --include="$(echo "$*" | tr ' ' ,)" bookworm "$root" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        return 1
    }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/doc "$root"/usr/share/man
}

# import NAME FOLDER CHANGE…: makes an image of a file system.
import() {
    name=$1 root=$2
    shift 2
    for change in "$@"; do
        set -- "$@" --change "$change"
        shift
    done
    tar -C "$root" -c . | podman import -q --change "LABEL carshare.local=yes" "$@" - "$name" >/dev/null
    rm -rf "$root"
    echo "made $name"
}

missing() { ! podman image exists "$1"; }

if missing $RUST; then
    debian "$work/rust" ca-certificates gcc libc6-dev pkg-config
    mkdir -p "$work/rust/usr/local/cargo" "$work/rust/usr/local/rustup"
    cp -a "$(rustc --print sysroot)/." "$work/rust/usr/local/rustup/"
    rm -rf "$work/rust/usr/local/rustup/share/doc"
    import $RUST "$work/rust" "ENV CARGO_HOME=/usr/local/cargo" \
        "ENV PATH=/usr/local/rustup/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
fi

if missing $DISTROLESS; then
    mkdir -p "$work/distroless/etc" "$work/packages"
    (cd "$work/packages" && apt-get download -qq libc6 libgcc-s1 libstdc++6 libssl3 ca-certificates tzdata netbase base-files 2>/dev/null)
    for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/distroless"; done
    rm -rf "$work/distroless/usr/share/doc" "$work/distroless/usr/share/man"
    mkdir -p "$work/distroless/etc/ssl/certs" "$work/distroless/home/nonroot" "$work/distroless/tmp"
    find "$work/distroless/usr/share/ca-certificates" -name '*.crt' -exec cat {} + >"$work/distroless$CERTIFICATES"
    printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$work/distroless/etc/passwd"
    printf 'root:x:0:\nnonroot:x:65532:\n' >"$work/distroless/etc/group"
    chown 65532:65532 "$work/distroless/home/nonroot"
    chmod 1777 "$work/distroless/tmp"
    import $DISTROLESS "$work/distroless" "USER 65532" "WORKDIR /home/nonroot" "ENV SSL_CERT_FILE=$CERTIFICATES"
fi

if missing $POSTGRES; then
    debian "$work/postgres" postgresql-15 gosu locales
    chroot "$work/postgres" sh -c 'usermod -u 999 postgres && groupmod -g 999 postgres && rm -rf /var/lib/postgresql/15'
    install -m 755 deploy/local-images/postgres-entrypoint.sh "$work/postgres/usr/local/bin/docker-entrypoint.sh"
    mkdir -p "$work/postgres/var/lib/postgresql/data" "$work/postgres/var/run/postgresql"
    chroot "$work/postgres" chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
    import $POSTGRES "$work/postgres" 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]' "VOLUME /var/lib/postgresql/data" \
        "ENV PGDATA=/var/lib/postgresql/data" \
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin"
fi

if missing $REDIS; then
    debian "$work/redis" redis-server
    chroot "$work/redis" sh -c 'groupmod -g 999 redis 2>/dev/null || true; usermod -u 999 redis && mkdir -p /data && chown redis:redis /data'
    import $REDIS "$work/redis" "USER redis" "WORKDIR /data" "VOLUME /data" 'CMD ["redis-server"]' \
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
fi

# Debian's Prometheus is of an earlier version; collector, Grafana and Jaeger are in no Debian package.
if missing $PROMETHEUS; then
    debian "$work/prometheus" prometheus
    mkdir -p "$work/prometheus/prometheus"
    chroot "$work/prometheus" chown 65534:65534 /prometheus
    import $PROMETHEUS "$work/prometheus" "USER 65534" 'ENTRYPOINT ["/usr/bin/prometheus"]' "VOLUME /prometheus" "WORKDIR /prometheus"
fi
