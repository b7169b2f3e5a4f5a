#!/usr/bin/env bash
# docker/make_secrets.sh [FOLDER]: makes what compose.yaml wants to have in docker/secrets, unless it is there: a token,
# and a certificate for localhost that signs itself. For other names bring tls.crt and tls.key of your own.
set -euo pipefail
folder=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}

# Closed to all others on this machine. The files are readable, since the containers run as other users.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022
if [ ! -s "$folder/token" ]; then
  openssl rand -hex 32 >"$folder/token"
fi
if [ ! -s "$folder/tls.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,DNS:nginx,IP:127.0.0.1 \
    -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
  chmod 644 "$folder/tls.key"
fi
