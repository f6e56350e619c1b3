#!/bin/sh
# Prints the Secrets of a local cluster. $1: a folder that `carshare dev secrets` has made, which has a folder for each process.
set -eu
for folder in "$1"/*/; do
    name=$(basename "$folder")
    set --
    for file in "$folder"*; do
        case $(basename "$file") in
        ca.pem | cert.pem | key.pem) ;;
        *) set -- "$@" --from-file="$file" ;;
        esac
    done
    kubectl create secret generic "$name" --namespace carshare --dry-run=client --output yaml "$@"
    echo ---
    [ -e "${folder}cert.pem" ] || continue
    # By the names of cert-manager.
    kubectl create secret generic "$name-tls" --namespace carshare --dry-run=client --output yaml \
        --from-file=ca.crt="${folder}ca.pem" --from-file=tls.crt="${folder}cert.pem" --from-file=tls.key="${folder}key.pem"
    echo ---
done
