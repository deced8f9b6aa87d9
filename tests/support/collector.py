"""A real OpenTelemetry Collector, built from Go modules by its own builder and kept in .cache: the peer of interop tests and of the bench."""

import os
import pathlib
import shutil
import subprocess

VERSION = "v0.155.0"  # newer ones are not to be had from every module proxy
PROVIDERS = "v1.61.0"
ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "otelcol"
BINARY = CACHE / f"otelcol-{VERSION}"

MANIFEST = f"""\
dist:
  name: otelcol
  output_path: {CACHE}/build
  version: {VERSION[1:]}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver {VERSION}
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor {VERSION}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter {VERSION}
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter {VERSION}
extensions:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage {VERSION}
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider {PROVIDERS}
conf_resolver:
  default_uri_scheme: file
"""


def missing() -> str | None:
    """Why it can't be had here, or None."""
    if built() or shutil.which("go"):
        return None
    return "no Go toolchain (the Collector is built from Go modules)"


def built() -> bool:
    """There is a binary, and of this manifest."""
    manifest = CACHE / "manifest.yaml"
    return BINARY.exists() and manifest.exists() and manifest.read_text() == MANIFEST


def build() -> pathlib.Path:
    """The binary; built on first use, which takes some minutes."""
    if built():
        return BINARY
    CACHE.mkdir(parents=True, exist_ok=True)
    BINARY.unlink(missing_ok=True)
    (CACHE / "manifest.yaml").write_text(MANIFEST)
    env = dict(os.environ, GOBIN=str(CACHE / "bin"), CGO_ENABLED="0", GOFLAGS="-mod=mod")
    builder = f"go.opentelemetry.io/collector/cmd/builder@{VERSION}"
    subprocess.run(["nice", "go", "install", builder], check=True, env=env, cwd=CACHE)
    subprocess.run(
        ["nice", str(CACHE / "bin" / "builder"), "--config", "manifest.yaml"], check=True, env=env, cwd=CACHE
    )
    shutil.move(CACHE / "build" / "otelcol", BINARY)
    shutil.rmtree(CACHE / "build")
    return BINARY


if __name__ == "__main__":
    print(build())
