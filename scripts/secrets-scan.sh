#!/bin/sh
# Looks for secrets in the files that git tracks; with the argument `history` in every line that they or a message of a commit ever had. What
# .secrets.baseline lists is an example or a test's: `secrets-scan.sh baseline` writes it anew, for review.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
cd "$here/.."
use_tool detect-secrets detect-secrets==1.5.0 || {
    echo "detect-secrets is not installed and could not be installed; the files were NOT scanned" >&2
    exit 0
}
# Passwords of tests match the keyword detector in every second test.
options="--disable-plugin KeywordDetector"
generated='(^|/)(Cargo\.lock|package-lock\.json|.*\.binpb|.*\.snap|.secrets.baseline)$|^proto/third_party/'

case "${1:-files}" in
    files) git ls-files -z | xargs -0 detect-secrets-hook --baseline .secrets.baseline $options --exclude-files "$generated" ;;
    baseline) detect-secrets scan $options --exclude-files "$generated" >.secrets.baseline ;;
    history)
        # Each line that a file ever had, once: far less than every version of every file.
        lines=$(mktemp -d)
        trap 'rm -rf "$lines"' EXIT
        git log --all --format=%B >"$lines/messages"
        git -c core.quotePath=false log --all -m -p -U0 --no-renames --no-ext-diff --format= | awk -v folder="$lines" -v generated="$generated" '
            /^diff --git / { path = ""; next }
            /^\+\+\+ b\// && path == "" { path = substr($0, 7); sub(/\t$/, "", path); ignored = path ~ generated; gsub("/", "%", path); next }
            /^\+/ && path != "" && !ignored && !seen[path, $0]++ {
                if (path != opened) { close(folder "/" opened); opened = path }
                print substr($0, 2) >>(folder "/" path)
            }'
        # Of a folder that is not the current one it scans nothing.
        (cd "$lines" && detect-secrets scan --all-files $options .) >"$lines/.found"
        jq -r --slurpfile known .secrets.baseline '
            ([$known[0].results[][].hashed_secret] | unique) as $known
            | ([.results[][]] | unique_by(.hashed_secret)) as $found
            | if any($found[]; .hashed_secret | IN($known[])) then empty else "the scan did not find what is known" end,
              ($found[] | select(.hashed_secret | IN($known[]) | not) | "\(.type): \(.filename | gsub("%"; "/"))")' \
            "$lines/.found" >"$lines/.new"
        cat "$lines/.new"
        [ ! -s "$lines/.new" ]
        ;;
esac
