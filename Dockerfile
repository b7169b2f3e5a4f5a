# Stages: `build` compiles, `test` drives the program end to end, `runtime`, the default, is what runs.
#
#   docker build -t reachback .
#   docker build --target test .

FROM docker.io/library/debian:bookworm-slim AS build
WORKDIR /src
COPY service/install.sh service/
RUN bash -c 'source service/install.sh && install_packages "${build_packages[@]}"'
COPY CMakeLists.txt CMakePresets.json ./
COPY proto proto
COPY lib lib
COPY service/CMakeLists.txt service/*.cpp service/*.hpp service/
# Who lends the build a ccache, as docker/image_test.sh does, has to say LANG too: ccache goes by it.
ARG LANG
RUN bash -c 'source service/install.sh && cmake --preset release -DREACHBACK_TESTS=OFF \
    && cmake --build --preset release --target reachback'
# The packages whose libraries the program is linked with, found rather than listed.
RUN bash -o pipefail -c 'ldd build/release/service/reachback | sed -n "s|.* => .*/\(.*\) (.*|*/\1|p" \
    | xargs dpkg-query -S | cut -d: -f1 | sort -u >runtime_packages'

FROM docker.io/library/debian:bookworm-slim AS program
COPY --from=build /src/runtime_packages /usr/local/share/reachback/
# Certificates are for `attach`, when its gateway is behind https.
RUN export DEBIAN_FRONTEND=noninteractive && apt-get -qq update \
    && xargs apt-get -qq install -y --no-install-recommends ca-certificates \
       </usr/local/share/reachback/runtime_packages \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/apt /var/log/dpkg.log \
    && install -d -o 65532 -g 65532 -m 700 /var/lib/reachback
COPY --from=build /src/build/release/service/reachback /usr/local/bin/
# Ends the build here if a library is missing.
RUN ["reachback", "--version"]

FROM program AS test
WORKDIR /src
COPY service/install.sh service/
RUN bash -c 'source service/install.sh && install_packages "${test_stage_packages[@]}"'
COPY service/sample service/sample
COPY tests/e2e tests/e2e
RUN REACHBACK=/usr/local/bin/reachback python3 -m pytest -q tests/e2e/test_operating.py tests/e2e/test_messages_events.py

FROM program AS runtime
LABEL org.opencontainers.image.title="Reachback" \
      org.opencontainers.image.description="A gateway for services that dial in" \
      org.opencontainers.image.version="0.1.0"
# By number: no entry in /etc/passwd is needed, and Kubernetes sees that it is not root.
USER 65532:65532
EXPOSE 8888
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["reachback", "health"]
ENTRYPOINT ["reachback"]
CMD ["serve"]
