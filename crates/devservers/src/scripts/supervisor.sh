# Runs one server for one parent process. Reads one command a line from standard input and answers each with one line.
# The end of the input means that the parent has ended, in any way: then the server is stopped and $REMOVE removed.
# The script before this one defines prepare and launch (which must exec the server). $END is the signal that stops it.
umask 077
server=
if [ -s "$LOG" ]; then mv -f -- "$LOG" "$LOG.1"; fi # the log of the run before

alive() {
    jobs >/dev/null # makes the shell notice a child that has ended; kill -0 alone would find its zombie
    [ -n "$server" ] && kill -0 "$server" 2>/dev/null
}

halt() {
    if alive; then kill -s "$1" "$server"; fi
    if [ -n "$server" ]; then wait "$server" 2>/dev/null; fi
    server=
}

while read -r verb argument; do
    case $verb in
    prepare) if prepare >>"$LOG" 2>&1; then echo ok; else echo failed; fi ;;
    start)
        halt TERM
        launch "$argument" </dev/null >>"$LOG" 2>&1 &
        server=$!
        echo ok
        ;;
    alive) if alive; then echo ok; else echo gone; fi ;;
    stop)
        halt "$argument"
        echo ok
        ;;
    esac
done

halt "$END"
if [ -n "${SMALL_DISK_MB:-}" ]; then umount "$FOLDER/small"; fi
if [ -n "$REMOVE" ]; then rm -rf -- "$REMOVE"; fi
