#!/bin/sh
# Lints the migrations that are not released yet by squawk and .squawk.toml. With the argument `release` records all migrations as
# released, with their checksums, and the commit that they are part of: they never change again, and later ones are linted.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
cd "$here/.."
released=deploy/released/migrations.sha384

case "${1:-lint}" in
    lint) ;;
    release)
        sha384sum crates/store/migrations/*.sql services/*/migrations/*.sql >$released
        git rev-parse HEAD >deploy/released/commit
        exit 0
        ;;
    *) echo "usage: $0 [lint|release]" >&2; exit 2 ;;
esac

use_tool squawk squawk-cli==2.70.0 || {
    echo "squawk is not installed and could not be installed; the migrations were NOT linted" >&2
    exit 0
}
# A linter that accepts this reads no configuration or checks nothing.
for statement in 'DROP TABLE bookings;' 'DROP TRIGGER t ON bookings;' 'CREATE INDEX i ON bookings (id);'; do
    if echo "$statement" | squawk --stdin-filepath bad.sql >/dev/null 2>&1; then
        echo "squawk accepts \"$statement\"; the migrations were NOT linted" >&2
        exit 1
    fi
done

in_transaction="" alone=""
for file in crates/store/migrations/*.sql services/*/migrations/*.sql; do
    if grep -q " $file\$" $released; then continue; fi
    case $(head -n 1 "$file") in
        "-- no-transaction"*) alone="$alone $file" ;;
        *) in_transaction="$in_transaction $file" ;;
    esac
done
# shellcheck disable=SC2086 # lists of paths
{
    if [ -n "$in_transaction" ]; then squawk $in_transaction; fi
    if [ -n "$alone" ]; then squawk --no-assume-in-transaction $alone; fi
}
