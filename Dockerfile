# Forager's image: the binary, the libraries it needs, CA certificates, nothing else. No shell, not root, one volume.
# Built by ./dev image (buildah or docker); BASE is any Debian 12.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ make cmake ninja-build mold pkg-config clang-19 ccache ca-certificates \
      libboost1.81-dev libgrpc++-dev libspdlog-dev libfmt-dev libssl-dev libzstd-dev libdeflate-dev libisal-dev \
      libyaml-cpp-dev libsimdjson-dev libcli11-dev libprotozero-dev libre2-dev libc-ares-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY cmake cmake
COPY proxy proxy
RUN cmake --preset release -DBUILD_TESTING=OFF -DFORAGER_BENCH=OFF -DFORAGER_LTO=ON && ninja -C build forager && strip build/forager
COPY deploy/image-root.sh deploy/
RUN sh deploy/image-root.sh build/forager /rootfs

FROM scratch
COPY --from=build /rootfs /
USER 65532:65532
ENV FORAGER_OTLP_HTTP_LISTEN=0.0.0.0:4318 FORAGER_OTLP_GRPC_LISTEN=0.0.0.0:4317
VOLUME /var/lib/forager
EXPOSE 4317 4318
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s CMD ["/usr/bin/forager", "healthcheck"]
LABEL org.opencontainers.image.title="Forager" \
      org.opencontainers.image.description="Carries telemetry: OTLP in on localhost, Honeycomb out, signed, batched, accounted for" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/usr/bin/forager"]
