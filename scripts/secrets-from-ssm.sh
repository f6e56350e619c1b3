#!/bin/sh
# secrets-from-ssm.sh ENVIRONMENT SERVICE FOLDER: writes the parameters /carshare/ENVIRONMENT/SERVICE/… of AWS Parameter Store into files of
# FOLDER (an absolute path), and the variables that name them into FOLDER/secrets.env. For machines without the External Secrets operator:
# before a service starts, and again after a parameter has changed. Needs the AWS CLI and the right to read and decrypt the parameters.
set -eu
umask 077
environment=$1 service=$2 folder=$3
prefix=/carshare/$environment/$service/

names=$(aws ssm get-parameters-by-path --path "$prefix" --recursive --query 'Parameters[].[Name]' --output text)
[ -n "$names" ] || { echo "there are no parameters below $prefix" >&2; exit 1; }
mkdir -p "$folder"
: >"$folder/.secrets.env"
for name in $names; do
    key=${name#"$prefix"}
    case $key in
        *[!a-z0-9_/]*) echo "$name is no key of a configuration" >&2; exit 1 ;;
    esac
    file=$folder/$(printf %s "$key" | tr _/ --)
    aws ssm get-parameter --with-decryption --name "$name" --query Parameter.Value --output text >"$file.new"
    mv "$file.new" "$file" # A reader sees the old or the new value, never a part.
    variable=$(printf '%s/%s' "$service" "$key" | sed 's|/|__|g' | tr a-z A-Z)
    echo "${variable}_FILE=$file" >>"$folder/.secrets.env"
done
mv "$folder/.secrets.env" "$folder/secrets.env"
