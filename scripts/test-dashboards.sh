#!/bin/sh
# Runs Prometheus with our rules on a temporary mesh that serves the README's journey, and asks it the query of every panel. Fails when a
# query or rule is wrong or nothing is scraped; lists the panels without data, as those of failures are. $1: the carshare binary. Needs prometheus and jq.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
start_mesh "$1"
admin=$(url_of metrics)
target=${admin#http://}

# One process with all services: its target has the name of each.
mkdir "$work/prometheus"
cp -r deploy/observability/prometheus/rules "$work/prometheus"
{
    printf 'global: { scrape_interval: 1s, evaluation_interval: 1s, external_labels: { runbooks: docs/runbooks } }\n'
    printf 'rule_files: [rules/*.yml]\nscrape_configs:\n'
    for job in gateway auth vehicle booking payment notification; do
        printf '  - { job_name: %s, static_configs: [{ targets: ["%s"] }] }\n' $job "${target%%/*}"
    done
} >"$work/prometheus/prometheus.yml"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$port" \
    >"$work/prometheus/log" 2>&1 &
prometheus=$!
trap 'kill $prometheus 2>/dev/null; wait $prometheus 2>/dev/null || true; stop_mesh' EXIT
api=http://127.0.0.1:$port/api/v1
ask() { curl -sG "$api/query" --data-urlencode "query=$1"; }
until_data() {
    tries=0
    until ask "$1" | jq -e '.data.result | length > 0' >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] && kill -0 $prometheus || { echo "no data: $1" >&2; tail "$work/prometheus/log" >&2; exit 1; }
        sleep 0.2
    done
}

# Counters have a rate once they were scraped before and after calls.
until_data 'count(up == 1) == 6'
awk '/^<!-- journey -->/ { on = 1 } /^<!-- \/journey -->/ { on = 0 } on && $0 == "```" { inside = 0 } inside { print } on && $0 == "```sh" { inside = 1 }' README.md |
    sed "s|http://localhost:8080|$gateway|; s|http://localhost:8090|$sandbox|" >"$work/commands"
for _ in 1 2; do
    timeout 120 bash "$work/commands" >"$work/printed" 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }
done
until_data 'rate(edge_requests_total{rpc="rpc.booking.create_booking"}[1m]) > 0'
until_data 'slo:error_ratio:3d{slo="booking_latency"}'

curl -s "$api/rules" | jq -r '.data.groups[].rules[] | select(.health == "err") | "rule \(.name): \(.lastError)"' >"$work/faults"
panels=0
for file in deploy/observability/grafana/dashboards/*.json; do
    jq -r '.title as $title | .panels[] | .title as $panel | .targets[] | [$title + ": " + $panel, .expr] | @tsv' "$file" |
        sed 's/\$__rate_interval/1m/g; s/\$job/booking/g; s/\\\\/\\/g' >"$work/queries"
    while IFS='	' read -r panel query; do
        panels=$((panels + 1))
        answer=$(ask "$query")
        case $(printf %s "$answer" | jq -r '.status + " " + ((.data.result // []) | length | tostring)') in
            "success 0") echo "no data: $panel: $query" ;;
            success*) ;;
            *) echo "$panel: $query: $(printf %s "$answer" | jq -r '.error // .')" >>"$work/faults" ;;
        esac
    done <"$work/queries"
done
curl -s "$api/alerts" | jq -r '.data.alerts[] | select(.state == "firing") | "firing: " + .labels.alertname'
cat "$work/faults" >&2
[ ! -s "$work/faults" ]
echo "passed: $panels queries of dashboards"
