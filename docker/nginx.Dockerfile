# nginx for compose.yaml, as nginx.conf is tested: Debian's, here without root.
FROM docker.io/library/debian:bookworm-slim
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/* \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log \
    && chmod 1777 /run /var/lib/nginx
# www-data
USER 33:33
EXPOSE 443
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx", "-g", "daemon off;"]
