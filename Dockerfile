# pgreeve-router, pgreeve-rebalancer and pgreevectl in one image; the router is what starts.
#   docker build -t pgreeve .
#   docker run -v ./pgreeve.toml:/etc/pgreeve/pgreeve.toml:ro -p 6432:6432 pgreeve
# Another program: --entrypoint pgreeve-rebalancer. Classic syntax: builds with docker, podman, buildah.

FROM debian:bookworm-slim AS build
ARG JOBS=2
ENV DEBIAN_FRONTEND=noninteractive
# In a layer of its own: it changes only with the list.
COPY tools/apt-packages.txt /tmp/apt-packages.txt
RUN sed -n '/^\[build\]$/,/^\[/p' /tmp/apt-packages.txt | grep -v -e '^\[' -e '^#' -e '^$' \
      | cut -d' ' -f1 > /tmp/build-packages \
 && apt-get update \
 && xargs apt-get install -y --no-install-recommends < /tmp/build-packages \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake --preset release \
 && ninja -C build/release -j "$JOBS" pgreeve-router pgreeve-rebalancer pgreevectl \
 && mkdir -p /out \
 && cp build/release/bin/pgreeve-router build/release/bin/pgreeve-rebalancer \
       build/release/bin/pgreevectl /out/ \
 && strip --strip-debug /out/*

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
      libabsl20220623 libboost-container1.81.0 libboost-json1.81.0 libfmt9 libpg-query1504.0 libpq5 \
      libprometheus-cpp-core1.0 libssl3 libtomlplusplus3 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd -g 10001 pgreeve \
 && useradd -u 10001 -g pgreeve -d /var/lib/pgreeve -s /usr/sbin/nologin pgreeve \
 && install -d -o pgreeve -g pgreeve -m 0700 /var/lib/pgreeve
COPY --from=build /out/ /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/pgreeve
EXPOSE 6432 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["pgreeve-router", "--health", "--config", "/etc/pgreeve/pgreeve.toml"]
ENTRYPOINT ["pgreeve-router"]
CMD ["--config", "/etc/pgreeve/pgreeve.toml"]
