#!/usr/bin/env bash
# docker/base_image.sh FILE.tar: makes debian:bookworm-slim out of Debian's packages, for machines without a registry.
# Debian 12, root, mmdebstrap. The result has the packages and the left-out files of the published image.
set -euo pipefail
[ "$#" = 1 ] || { echo "usage: docker/base_image.sh FILE.tar" >&2 && exit 2; }
file=$1

# The machine's own sources: its mirror is the one that can be reached, and they bring the security updates.
sources=/etc/apt/sources.list.d/debian.sources
[ -f "$sources" ] || sources=/etc/apt/sources.list

options=()
for folder in doc man locale info; do options+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
options+=('--dpkgopt=path-include=/usr/share/doc/*/copyright')

added=$(mktemp -d)
trap 'rm -rf "$added"' EXIT
mkdir -p "$added/etc/apt/apt.conf.d"
cat >"$added/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
CONF

# The name servers and the name of this machine are no part of an image.
mmdebstrap --quiet --variant=minbase --include=usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  "${options[@]}" --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' bookworm "$file" "$sources"
# Added afterwards: mmdebstrap's own apt needs its caches.
tar --owner=0 --group=0 -rf "$file" -C "$added" ./etc/apt/apt.conf.d/docker-clean
