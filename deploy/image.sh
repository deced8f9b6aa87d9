#!/usr/bin/env bash
# ./dev image [TAG]          builds the container image with buildah, in its own store under .cache
# ./dev image --check [TAG]  builds it and holds it against tests/deploy: contents, size, rights, health, a clean stop
#
# BASE=... names another Debian 12 image to build on; without it a base is made from Debian's packages, so no registry is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
check=
if [ "${1:-}" = --check ]; then check=yes; shift; fi
tag=${1:-localhost/forager:dev}

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "image: building an image needs root: run as root, or install sudo" >&2; exit 1; }
  exec sudo --preserve-env=BASE,FORAGER_IMAGE_STORE "$0" ${check:+--check} "$tag"
fi

# shellcheck source=deploy/container-store.sh
. deploy/container-store.sh

version=$(sed -nE 's/^project\(forager VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)

# The same sources on the same packages give the same digest: times are fixed here, and ids taken out after it.
stages=localhost/forager-stages
buildah bud --isolation chroot --format docker "${pull[@]}" --layers --timestamp 0 --build-arg BASE="$base" \
  --label org.opencontainers.image.version="$version" -t "$stages" .
rm -rf "$store/image"
podman save -q --format docker-dir -o "$store/image" "$stages" >/dev/null
python3 deploy/same_digest.py "$store/image"
podman tag "$(podman pull -q "dir:$store/image")" "$tag"
rm -rf "$store/image"
buildah images --format '{{.Name}}:{{.Tag}} {{.Digest}} {{.Size}}' "$tag"
if [ -n "$check" ]; then
  if ! cmp -s tests/deploy/requirements.txt "$store/venv/.requirements"; then
    python3 -m venv "$store/venv"
    "$store/venv/bin/pip" install -q --disable-pip-version-check -r tests/deploy/requirements.txt
    cp tests/deploy/requirements.txt "$store/venv/.requirements"
  fi
  export PATH=$PATH:$store/venv/bin
  FORAGER_IMAGE=$tag exec ./dev integration tests/deploy
fi
