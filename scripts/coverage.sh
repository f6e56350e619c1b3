#!/bin/sh
# Runs all tests but the drills with coverage and reports the lines that they and the processes they start execute: of everything, and of
# the rules in `domain/` modules. Fails below the thresholds, and if a test fails, after the report. Writes coverage.json and coverage.txt
# into $1 (default: target folder). Further arguments are those of `cargo test`.
set -eu
cd "$(dirname "$0")/.."
. scripts/containers.sh
OVERALL=80
DOMAIN=90

cargo llvm-cov --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-llvm-cov@0.9.1
# rustup's component where rustup has it, else Debian's, which reads the same format.
if ! ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata >/dev/null 2>&1; then
    rustup component add llvm-tools >/dev/null 2>&1 || {
        command -v llvm-profdata-19 >/dev/null 2>&1 || install_packages llvm-19
        export LLVM_COV=llvm-cov-19 LLVM_PROFDATA=llvm-profdata-19
    }
fi
folder=${1:-${CARGO_TARGET_DIR:-target}}
[ $# -eq 0 ] || shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# Thousands of processes run: they add their counters to a few files, instead of one each.
export CARGO_TARGET_DIR="$folder/llvm-cov-target" LLVM_PROFILE_FILE_NAME=carshare-%4m.profraw
environment=$(cargo llvm-cov show-env --sh)
eval "$environment"
cargo llvm-cov clean --workspace
# Tests start the binaries; `cargo test` builds those of packages with integration tests alone.
cargo build --workspace --bins --locked
failed=""
cargo test --workspace --locked --no-fail-fast "$@" -- --skip drills:: || failed=yes
# A process that is killed while it writes its counters leaves a file that cannot be read.
cargo llvm-cov report --failure-mode all --json --summary-only --output-path "$folder/coverage.json"

# Generated code, tests, benchmarks and the servers of development are no product code.
jq -r --argjson overall $OVERALL --argjson domain $DOMAIN '
    def percent: if .count == 0 then 100 else (.covered * 1000 / .count | round / 10) end;
    def sum: { count: (map(.count) | add // 0), covered: (map(.covered) | add // 0) };
    [.data[0].files[] | select(.filename | test("/(tests?|bench|testkit|service-testkit|devservers|out)/|/tests\\.rs$") | not)
        | { name: .filename, lines: .summary.lines }] as $files
    | ($files | map(.lines) | sum) as $all
    | ($files | map(select(.name | test("/domain(/|\\.rs$)")) | .lines) | sum) as $rules
    | "overall \($all | percent) % of \($all.count) lines (at least \($overall) %)",
      "domain  \($rules | percent) % of \($rules.count) lines (at least \($domain) %)",
      ($files | sort_by(.lines.percent) | .[:20][] | "  \(.lines | percent) %  \(.name | sub(".*/(?=(crates|services|gateway|sandbox|mesh)/)"; ""))"),
      (if ($all | percent) < $overall or ($rules | percent) < $domain then "below the threshold" else "passed" end)
' "$folder/coverage.json" | tee "$folder/coverage.txt"
[ -z "$failed" ] || {
    echo "tests have failed" >&2
    exit 1
}
tail -n 1 "$folder/coverage.txt" | grep -qx passed
