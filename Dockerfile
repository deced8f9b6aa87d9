# Forager's image: the binary, the libraries it loads, CA certificates, their licences, nothing else. No shell, not root, one volume.
# Built by ./dev image (buildah); docker build . does the same. BASE is any Debian 12, on amd64 or arm64.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ cmake ninja-build mold pkg-config clang-19 llvm-19 llvm-19-linker-tools ca-certificates \
      libboost1.81-dev libgrpc++-dev libspdlog-dev libfmt-dev libssl-dev libzstd-dev libdeflate-dev libisal-dev \
      libyaml-cpp-dev libcli11-dev libprotozero-dev libre2-dev libc-ares-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY cmake cmake
COPY proxy proxy
RUN cmake --preset release -DCMAKE_CXX_COMPILER_LAUNCHER= -DCMAKE_C_COMPILER_LAUNCHER= \
      -DBUILD_TESTING=OFF -DFORAGER_BENCH=OFF -DFORAGER_LTO=ON \
    && ninja -C build forager && strip build/forager
COPY deploy/image-root.sh deploy/
RUN sh deploy/image-root.sh build/forager LICENSE /rootfs

FROM scratch
COPY --from=build /rootfs /
USER 65532:65532
VOLUME /var/lib/forager
EXPOSE 4317 4318 13133
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 CMD ["/usr/bin/forager", "healthcheck"]
LABEL org.opencontainers.image.title="Forager" \
      org.opencontainers.image.description="A sidecar that carries OpenTelemetry: OTLP in on localhost, Honeycomb out" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/usr/bin/forager"]
