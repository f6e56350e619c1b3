#!/bin/sh
# Backs up a PostgreSQL server to a folder, and restores it to any moment since the oldest base backup (docs/BACKUP.md).
#
#   backup.sh configure FOLDER [SECONDS]   lets the server archive its log to FOLDER, at least every SECONDS (60); restart it once
#   backup.sh base FOLDER                  takes a base backup and verifies it
#   backup.sh stream FOLDER                receives the log as it is written, until it is stopped: nothing waits for a full segment
#   backup.sh flush FOLDER                 archives the log up to now: before a server that still runs is stopped for `restore`
#   backup.sh restore FOLDER DATA [TIME]   restores into the new folder DATA, up to TIME (2026-11-28 09:15:00.5+00) or the newest log
#   backup.sh copy FOLDER DATA [TIME]      the same for a copy, a second server, which does not archive
#   backup.sh schema FOLDER NAME COPY      replaces the schema NAME of database $PGDATABASE by that of the copy at COPY (a URL)
#   backup.sh prune FOLDER DAYS            deletes base backups that are older and the log that only they need; keeps the newest one
#
# `configure`, `base`, `stream`, `flush` and `schema` connect by libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD) as a superuser; FOLDER is written
# by the server. Run `restore` and `copy` as the user that the server runs as; then start it on DATA.
set -eu
for bin in /usr/lib/postgresql/*/bin; do PATH="$PATH:$bin"; done

usage() { sed -n '4,11s/^#   //p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 folder=$2
case $folder in
    /*) ;;
    *) echo "FOLDER is not an absolute path: $folder" >&2; exit 2 ;;
esac
case $folder in
    *[!A-Za-z0-9/._-]*) echo "FOLDER has other characters than letters, digits and /._-: $folder" >&2; exit 2 ;;
esac
umask 077
mkdir -p "$folder/wal" "$folder/base"

sql() { psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "$1"; }

# restore DATA TIME ARCHIVE_MODE
restore() {
    data=$1 time=$2
    if [ -e "$data" ] && [ -n "$(ls -A "$data")" ]; then
        echo "$data is not empty" >&2
        exit 1
    fi
    # The newest backup that had ended by TIME. Backups are named by their end, in seconds since 1970.
    until_s=$(if [ -n "$time" ]; then date -u -d "$time" +%s; else date +%s; fi)
    base=""
    for backup in "$folder"/base/[0-9]*; do
        if [ -d "$backup" ] && [ "${backup##*/}" -le "$until_s" ]; then base=$backup; fi
    done
    [ -n "$base" ] || { echo "$folder has no base backup that ended by ${time:-now}" >&2; exit 1; }
    mkdir -p "$(dirname "$data")"
    cp -a "$base" "$data"
    cat >>"$data/postgresql.auto.conf" <<EOF
archive_mode = '$3'
restore_command = 'cp "$folder/wal/%f" "%p" 2>/dev/null || cp "$folder/wal/%f.partial" "%p" 2>/dev/null'
recovery_target_time = '$time'
recovery_target_action = 'promote'
EOF
    : >"$data/recovery.signal"
    echo "restored $base; start the server on $data: it applies the log up to ${time:-its end}"
}

case $command in
    configure)
        # A segment that is there already is a repeat after a crash: right if it is the same.
        archive="if test -f $folder/wal/%f; then cmp -s %p $folder/wal/%f; else cp %p $folder/wal/.%f && sync $folder/wal/.%f && mv $folder/wal/.%f $folder/wal/%f; fi"
        sql "ALTER SYSTEM SET archive_mode = 'on'"
        sql "ALTER SYSTEM SET archive_command = '$archive'"
        sql "ALTER SYSTEM SET archive_timeout = '${3:-60}s'"
        # A receiver that is away does not fill the disk of the server: it goes on with what was archived.
        sql "ALTER SYSTEM SET max_slot_wal_keep_size = '8GB'"
        sql "SELECT pg_reload_conf()" >/dev/null
        ;;
    base)
        new="$folder/base/.new"
        rm -rf "$new"
        pg_basebackup --pgdata="$new" --checkpoint=fast --wal-method=stream --no-password
        pg_verifybackup --quiet "$new"
        name=$(date +%s)
        mv "$new" "$folder/base/$name"
        echo "$folder/base/$name"
        ;;
    stream)
        pg_receivewal --directory="$folder/wal" --slot=carshare_backup --create-slot --if-not-exists --no-password
        exec pg_receivewal --directory="$folder/wal" --slot=carshare_backup --synchronous --no-password
        ;;
    flush)
        segment=$(psql -X -A -t -d postgres -c 'SELECT pg_walfile_name(pg_switch_wal())')
        tries=0
        until [ -e "$folder/wal/$segment" ]; do
            tries=$((tries + 1))
            [ $tries -lt 600 ] || { echo "$segment is not archived after a minute: see pg_stat_archiver" >&2; exit 1; }
            sleep 0.1
        done
        ;;
    restore) [ $# -ge 3 ] || usage; restore "$3" "${4:-}" on ;;
    copy) [ $# -ge 3 ] || usage; restore "$3" "${4:-}" off ;;
    schema)
        [ $# -eq 4 ] || usage
        # One transaction: others see the old schema or the new one.
        {
            echo "DROP SCHEMA \"$3\" CASCADE;"
            pg_dump --dbname="$4" --schema="$3" || echo "the copy cannot be read;"
        } | psql -X -q -1 -v ON_ERROR_STOP=1 -d "${PGDATABASE:?the database of the services}" >/dev/null
        ;;
    prune)
        [ $# -eq 3 ] || usage
        oldest_s=$(($(date +%s) - $3 * 86400))
        newest=$(ls "$folder/base" | sort -n | tail -n 1)
        for backup in "$folder"/base/[0-9]*; do
            name=${backup##*/}
            if [ "$name" -lt "$oldest_s" ] && [ "$name" != "$newest" ]; then rm -rf "$backup"; fi
        done
        # The log that the oldest remaining backup needs begins with the segment in its label.
        first=$(ls "$folder/base" | sort -n | head -n 1)
        segment=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$folder/base/$first/backup_label")
        pg_archivecleanup "$folder/wal" "$segment"
        ;;
    *) usage ;;
esac
