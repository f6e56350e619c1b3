#!/bin/sh
# Rolls an image out to the cluster of $KUBECONFIG: configuration, migrations, then the Deployments, all of which go back to the release
# before if one does not become ready. $1: overlay of deploy/k8s (staging, production); $2: the image with its digest.
# `RENDER=1` prints what would be applied, in order.
set -eu
cd "$(dirname "$0")/.."
overlay=deploy/k8s/overlays/$1
image=$2
case $image in
*@sha256:*) ;;
*)
    echo "the image has to be named by its digest: $image" >&2
    exit 2
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kubectl kustomize "$overlay" | sed "s|^\( *image: \)[^ ]*carshare:[^ ]*$|\1$image|" >"$work/all.yaml"
# part PATTERN FILE: the documents whose kind matches.
part() {
    awk -v pattern="$1" 'function flush() { if (kind ~ pattern) printf "%s---\n", text; text = ""; kind = "" }
        /^---$/ { flush(); next } /^kind: / { kind = $2 } { text = text $0 "\n" } END { flush() }' "$work/all.yaml" >"$2"
}
part '^(Deployment|Rollout)$' "$work/3-workloads.yaml"
part '^Job$' "$work/2-migrations.yaml"
part '^(Namespace|ServiceAccount|ConfigMap|Secret|Issuer|Certificate|SecretStore|ExternalSecret|NetworkPolicy|Service|HTTPRoute|GRPCRoute|Gateway|PodDisruptionBudget|HorizontalPodAutoscaler|PodMonitor|AnalysisTemplate|PersistentVolumeClaim)$' "$work/1-configuration.yaml"
# A kind that none of these names would be left out in silence.
documents() { cat "$@" | grep -c '^kind: '; }
[ "$(documents "$work/all.yaml")" = "$(documents "$work"/[123]-*.yaml)" ] || {
    echo "$overlay has a kind that this script does not apply" >&2
    exit 1
}
if [ -n "${RENDER:-}" ]; then
    cat "$work"/[123]-*.yaml
    exit
fi

kubectl apply -f "$work/1-configuration.yaml"
# The template of a Job cannot change.
kubectl delete --ignore-not-found -f "$work/2-migrations.yaml"
kubectl apply -f "$work/2-migrations.yaml"
kubectl wait --for=condition=complete --timeout=30m -f "$work/2-migrations.yaml"
kubectl apply -f "$work/3-workloads.yaml"
# Argo Rollouts undoes its own.
part '^Deployment$' "$work/deployments.yaml"
all_ready() {
    for deployment in $(kubectl get -f "$work/deployments.yaml" --output name); do
        kubectl rollout status --namespace carshare --timeout=10m "$deployment" || return
    done
}
all_ready || {
    echo "not ready in time: back to the release before, whose binaries run on the new schema" >&2
    kubectl rollout undo -f "$work/deployments.yaml"
    all_ready || true
    exit 1
}
