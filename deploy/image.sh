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
store=${FORAGER_IMAGE_STORE:-$PWD/.cache/containers}

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "image: building an image needs root: run as root, or install sudo" >&2; exit 1; }
  exec sudo --preserve-env=BASE,FORAGER_IMAGE_STORE "$0" ${check:+--check} "$tag"
fi

missing=()
for tool in buildah podman runc mmdebstrap netavark aardvark-dns golang-github-containers-common ca-certificates python3-venv; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$tool" 2>/dev/null)" = installed ] || missing+=("$tool")
done
if [ ${#missing[@]} != 0 ]; then
  echo "installing ${missing[*]}" >&2
  apt-get -o DPkg::Lock::Timeout=300 -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# A store and settings of our own: nothing of the machine's containers is read or changed. Where the tree itself lies on an overlay
# (in a container), an overlay can't be put on top.
mkdir -p "$store"
driver=overlay
[ "$(stat -f -c %T "$store")" != overlayfs ] || driver=vfs
cat >"$store/storage.conf" <<CONF
[storage]
driver = "$driver"
graphroot = "$store/graph"
runroot = "$store/run"
CONF
cat >"$store/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=4096:8192", "nproc=4096:8192"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
export CONTAINERS_STORAGE_CONF=$store/storage.conf CONTAINERS_CONF=$store/containers.conf

base=${BASE:-localhost/debian:bookworm}
pull=()
if [ -z "${BASE:-}" ]; then
  pull=(--pull-never)
  if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    echo "making a Debian base from packages" >&2
    mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$store/base.tar"
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$store/base.tar" / >/dev/null
    buildah commit --quiet "$container" "$base" >/dev/null
    buildah rm "$container" >/dev/null
    rm "$store/base.tar"
  fi
fi

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
