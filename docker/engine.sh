# Sourced by image_test.sh, in the project's folder: the container engine of this machine.
#
#   engine ARGUMENT...   docker, or podman with a store of its own, so that no other image on the machine is touched
#   compose ARGUMENT...  docker compose or podman-compose, with docker/compose.yaml

base_image=docker.io/library/debian:bookworm-slim
store=$PWD/build/image
mkdir -p "$store/bin"

if docker info >/dev/null 2>&1; then
  engine_name=docker
  build_flags=()
  engine() { docker "$@"; }
  compose() { docker compose -f docker/compose.yaml "$@"; }
else
  engine_name=podman
  # The OCI format has no HEALTHCHECK. A build that shares the machine's network and processes works in more places.
  export BUILDAH_FORMAT=docker BUILDAH_ISOLATION=chroot
  # What this machine has compiled already is not compiled again.
  build_flags=()
  if command -v ccache >/dev/null; then
    cache=$(ccache -k cache_dir)
    mkdir -p "$cache"
    build_flags=(--volume "$cache:/root/.cache/ccache" ${LANG+--build-arg LANG="$LANG"})
  fi
  # Without systemd there are no timers; the test asks for the state of health itself.
  export DISABLE_HC_SYSTEMD=true
  export CONTAINERS_CONF=$PWD/docker/containers.conf
  # A program, since podman-compose asks for the path of one.
  printf '#!/bin/sh\nexec podman --root %q --runroot %q "$@"\n' "$store/store" "$store/run" >"$store/bin/podman"
  chmod +x "$store/bin/podman"
  engine() { "$store/bin/podman" "$@"; }
  # Debian's podman-compose does not know addresses of services: it gets a copy without, in another folder.
  sed -e 's|gateways: {ipv4_address: .*}|- gateways|' -e "s|context: \\.\\.|context: $PWD|" \
    -e "s|\\.\\./service|$PWD/service|" -e "s|\\./nginx.conf|$PWD/docker/nginx.conf|" \
    docker/compose.yaml >"$store/compose.yaml"
  compose() { podman-compose --podman-path "$store/bin/podman" -f "$store/compose.yaml" "$@"; }
fi

install_engine() {
  [ "$engine_name" = docker ] || install_packages "${image_packages[@]}"
}

# Says why this machine can run no container as the test needs it; says nothing when it can.
why_no_container() {
  [ "$engine_name" = podman ] || return 0
  # Where root has not its rights, as in an unprivileged container, podman goes without networks and limits.
  if [ "$(engine info --format '{{.Host.Security.Rootless}}')" = true ]; then
    echo "root has not the capabilities that containers need"
    return 0
  fi
  # The smallest container there is.
  local libraries output
  mapfile -t libraries < <(ldd /usr/bin/true | grep -o '/[^ ]*')
  output=$(tar -chPf - /usr/bin/true "${libraries[@]}" | engine import -q - localhost/nothing 2>&1 &&
    engine run --rm --network none localhost/nothing /usr/bin/true 2>&1) || tail -n 1 <<<"${output:-no reason given}"
}

# The base image under its real name: a registry's, or one made here when none can be reached.
have_base_image() {
  [ "$engine_name" = podman ] || return 0
  engine image exists "$base_image" && return 0
  timeout 120 "$store/bin/podman" pull -q "$base_image" 2>/dev/null && return 0
  echo "no registry can be reached: making the base image"
  docker/base_image.sh "$store/base.tar" >"$store/base.log" 2>&1 || { cat "$store/base.log" >&2 && return 1; }
  engine import -q --change 'CMD ["bash"]' "$store/base.tar" "$base_image" >/dev/null
  rm "$store/base.tar"
}
