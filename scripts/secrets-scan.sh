#!/bin/sh
# Looks for secrets in the files that git tracks; with the argument `history` in every version of them. What
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
        versions=$(mktemp -d)
        trap 'rm -rf "$versions"' EXIT
        git rev-list --all --objects | git cat-file --batch-check='%(objecttype) %(objectname) %(objectsize) %(rest)' |
            awk '$1 == "blob" && $3 < 1000000 && !seen[$2]++ { print $2, $4 }' | grep -Ev " $generated" |
            while read -r object path; do
                mkdir -p "$versions/$object"
                git cat-file blob "$object" >"$versions/$object/$(basename "$path")"
            done
        detect-secrets scan --all-files $options --disable-plugin HexHighEntropyString "$versions" |
            jq -r --slurpfile known .secrets.baseline '
                [$known[0].results[][].hashed_secret] as $known
                | [.results[][] | select(.hashed_secret as $found | $known | index($found) | not)]
                | unique_by(.hashed_secret)[] | "\(.type): \(.filename):\(.line_number)"'
        ;;
esac
