#!/usr/bin/env bash
# docker/make_secrets.sh [FOLDER]: makes what compose.yaml wants to have in docker/secrets, unless it is there: a token,
# and a certificate for localhost that signs itself. For other names bring tls.crt and tls.key of your own: nginx reads
# them as user 33 in its container, so let the key have mode 644 in this folder, which is closed to all others; or give
# it to user 33 with mode 400.
set -euo pipefail
folder=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}

# Closed to all others on this machine. The files are readable, since the containers run as other users.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

# Made here and moved when whole: an interruption leaves no half file.
new=$(mktemp -d "$folder/new.XXXXXX")
trap 'rm -rf "$new"' EXIT

if [ ! -s "$folder/token" ]; then
  openssl rand -hex 32 >"$new/token"
  mv "$new/token" "$folder/token"
fi
for half in "key crt" "crt key"; do
  read -r there missing <<<"$half"
  if [ -s "$folder/tls.$there" ] && [ ! -s "$folder/tls.$missing" ]; then
    echo "$folder has tls.$there and no tls.$missing: bring it, or remove the other" >&2
    exit 1
  fi
done
if [ ! -s "$folder/tls.key" ]; then
  said=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,DNS:nginx,IP:127.0.0.1 \
    -keyout "$new/tls.key" -out "$new/tls.crt" 2>&1) || { echo "$said" >&2 && exit 1; }
  chmod 644 "$new/tls.key"
  mv "$new/tls.crt" "$folder/tls.crt"
  mv "$new/tls.key" "$folder/tls.key"
fi
