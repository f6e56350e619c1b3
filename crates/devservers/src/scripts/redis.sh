# Redis in $FOLDER. $APPENDONLY is yes or no.
prepare() { :; }

launch() {
    cd "$FOLDER" || exit 1
    exec "$SERVER" --port "$1" --bind 127.0.0.1 --dir "$FOLDER" --databases 512 --save "" \
        --appendonly "$APPENDONLY" --appendfsync everysec --daemonize no
}
