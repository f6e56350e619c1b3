#!/bin/sh
# Checks what operators deploy: manifests, Dockerfile, docker-compose.yml, Tiltfile, and the rules and configuration of Prometheus. Tools
# are installed at first use. What cannot be checked for want of a tool is named.
set -eu
here=$(dirname "$0")
. "$here/tools.sh"
cd "$here/.."

if ! use_deploy_tools; then
    echo "the tools for deploy/ are not installed and could not be installed; manifests, Dockerfile and Tiltfile were NOT checked" >&2
    exit 0
fi
rendered=$(mktemp -d /tmp/lint-deploy-XXXXXX)
trap 'rm -rf "$rendered"' EXIT

for overlay in deploy/k8s/overlays/*/; do
    kubectl kustomize "$overlay" >"$rendered/$(basename "$overlay").yaml"
done
# Kinds of operators have no schema there; they are checked below.
kubernetes-validate --strict --quiet -k 1.32 "$rendered"/*.yaml 2>&1 | grep -v "Couldn't find schema for kind" >&2 && exit 1
# The other overlays have nothing that these have not.
checkov --file "$rendered/local.yaml" --file "$rendered/production-blue-green.yaml" --framework kubernetes \
    --config-file deploy/.checkov.yaml --quiet --compact --skip-download
python scripts/lint_deploy.py "$rendered"
python scripts/lint_tiltfile.py "$rendered/local.yaml"

if [ -e Dockerfile ]; then
    # Versions of packages: those of the base image, which has a tag.
    hadolint --ignore DL3008 Dockerfile
    checkov --file Dockerfile --framework dockerfile --config-file deploy/.checkov.yaml --quiet --compact --skip-download
fi
[ ! -e docker-compose.yml ] || docker-compose -f docker-compose.yml config -q

if use_promtool; then
    promtool check rules "$rendered"/*.rules
    scripts/test-alerts.sh
else
    echo "promtool is not installed and could not be installed; rules of Prometheus were NOT checked" >&2
fi

if use_custom_resource_types; then
    python scripts/lint_deploy.py "$rendered" --typescript >"$custom_resource_types/rendered.ts"
    "$custom_resource_types/node_modules/.bin/tsc" --noEmit --skipLibCheck --strict --module nodenext --target esnext "$custom_resource_types/rendered.ts"
else
    echo "npm packages cannot be had; the objects of cert-manager, External Secrets, Argo and Gateway API were NOT checked" >&2
fi
echo "passed: deploy"
