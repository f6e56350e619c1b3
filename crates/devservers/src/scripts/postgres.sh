# PostgreSQL with its data under $FOLDER. It refuses to run as root: root runs it as user postgres.
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u $user >/dev/null 2>&1 || user=nobody
    run() { exec_as setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --no-new-privs "$@"; }
else
    user=
    run() { exec_as "$@"; }
fi
exec_as() { "$@"; }
data=$FOLDER/data

# $user cannot enter root's own folders. Then the data goes to /var/lib, and the file `location` in $FOLDER names it;
# data without that file (the folder was reset) is stale and removed.
choose_data_folder() {
    chown "$user" "$FOLDER" && chmod 700 "$FOLDER" || return 1
    if run test -x "$FOLDER"; then return 0; fi
    elsewhere=/var/lib/carshare/$(printf %s "$FOLDER" | cksum | cut -d ' ' -f 1)
    if [ ! -e "$FOLDER/location" ]; then rm -rf -- "$elsewhere"; fi
    mkdir -p "$elsewhere" && chmod 711 /var/lib/carshare && chown "$user" "$elsewhere" && chmod 700 "$elsewhere" && echo "$elsewhere" >"$FOLDER/location" || return 1
    data=$elsewhere/data
}

# A disk of $SMALL_DISK_MB for a tablespace. The supervisor runs in a mount namespace of its own.
mount_small_disk() {
    mkdir -p "$FOLDER/small" && mount -t tmpfs -o "size=${SMALL_DISK_MB}m" small "$FOLDER/small" \
        && chown "$user" "$FOLDER/small" && chmod 700 "$FOLDER/small"
}

prepare() {
    if [ -n "$user" ]; then choose_data_folder || return 1; fi
    if [ -n "${SMALL_DISK_MB:-}" ]; then mount_small_disk || return 1; fi
    cd "${data%/data}" || return 1
    if [ -s "$data/PG_VERSION" ]; then
        # A newer PostgreSQL cannot read older data: stay with the version that made it.
        same=/usr/lib/postgresql/$(cat "$data/PG_VERSION")/bin
        if [ -x "$same/postgres" ]; then BIN=$same; fi
        if [ -n "$IS_NEW" ]; then require_password || return 1; fi
        return 0
    fi
    rm -rf -- "$data.new" "$data"
    # initdb reads the file as $user. The superuser's verifier is as good as the password.
    printf '%s\n' "$VERIFIER" >"${data%/data}/verifier" || return 1
    if [ -n "$user" ]; then chown "$user" "${data%/data}/verifier" || return 1; fi
    run "$BIN/initdb" -D "$data.new" -U postgres -A scram-sha-256 --pwfile="${data%/data}/verifier" --no-sync -E UTF8 --locale=C \
        && rm -f "${data%/data}/verifier" && mv "$data.new" "$data"
}

# Data that was made without a password gets this one. The mode for a single user needs none.
require_password() {
    printf "ALTER ROLE postgres PASSWORD '%s';\n" "$VERIFIER" | run "$BIN/postgres" --single -D "$data" postgres \
        && printf 'host all all 127.0.0.1/32 scram-sha-256\n' >"$data/pg_hba.conf"
}

launch() {
    cd "${data%/data}" || exit 1
    exec_as() { exec "$@"; }
    # shellcheck disable=SC2086 # SETTINGS is a list of options
    run "$BIN/postgres" -D "$data" -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=400 -c shared_buffers=64MB -c timezone=UTC -c log_timezone=UTC $SETTINGS
}
