# Functions of scripts that start a mesh; sourced, not run.

# start_mesh BINARY [OPTION…]: starts a mesh with fresh data on free ports, waits until it is ready and stops it when the script ends.
# Sets $work (a temporary folder), $gateway and $sandbox (URLs).
start_mesh() {
    binary=$1
    shift
    work=$(mktemp -d /tmp/carshare-mesh-XXXXXX)
    chmod 755 "$work"
    "$binary" run --data "$work/data" --gateway-port 0 --sandbox-port 0 --s3-port 0 --admin-port 0 "$@" >"$work/log" 2>&1 &
    mesh=$!
    trap stop_mesh EXIT
    tries=0
    until gateway=$(url_of gateway) && [ -n "$gateway" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] && kill -0 $mesh 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.1
    done
    sandbox=$(url_of sandbox)
}

# stop_mesh: stops the mesh and removes its data.
stop_mesh() {
    kill $mesh 2>/dev/null || true
    wait $mesh 2>/dev/null || true
    rm -rf "$work"
}

# url_of NAME: prints a URL of the banner, which the mesh prints when it is ready.
url_of() { sed -n "s/^  $1 *\(http[^ ]*\).*/\1/p" "$work/log" 2>/dev/null; }

# block KIND FILE: prints the fenced blocks of that kind, with the address of the mesh.
block() {
    awk -v kind="$1" '$0 == "```" { inside = 0 } inside { print } $0 == "```" kind { inside = 1 }' "$2" |
        sed "s|localhost:8080|${gateway#http://}|g"
}

# run_journey: runs the commands of the README's booking journey against $gateway and $sandbox and compares their output.
# Writes into the folder $work.
run_journey() {
    journey sh | sed "s|http://localhost:8080|$gateway|; s|http://localhost:8090|$sandbox|" >"$work/commands"
    journey text >"$work/expected"
    timeout 120 bash "$work/commands" >"$work/printed" 2>"$work/errors" || { cat "$work/errors" >&2; return 1; }
    diff -u "$work/expected" "$work/printed" || return 1
    echo "passed: the README's booking journey"
}

# journey KIND: prints the fenced blocks of that kind between the markers of the journey.
journey() {
    awk -v kind="$1" '/^<!-- journey -->/ { on = 1 } /^<!-- \/journey -->/ { on = 0 }
        on && $0 == "```" { inside = 0 } inside { print } on && $0 == "```" kind { inside = 1 }' README.md
}
