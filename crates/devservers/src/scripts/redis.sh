# Redis in $FOLDER. $APPENDONLY is yes or no.
# The password is not among the arguments, which every user can list.
prepare() { printf 'requirepass %s\n' "$PASSWORD" >"$FOLDER/redis.conf"; }

launch() {
    cd "$FOLDER" || exit 1
    exec "$SERVER" "$FOLDER/redis.conf" --port "$1" --bind 127.0.0.1 --dir "$FOLDER" --databases 512 --save "" \
        --appendonly "$APPENDONLY" --appendfsync everysec --daemonize no
}
