#!/usr/bin/env bash
# ./dev image [TAG]: builds the container image with buildah, in its own store under .cache; a Debian base is made from packages when
# none can be pulled.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=${1:-localhost/forager:dev}
store=$PWD/.cache/containers
base=localhost/debian:bookworm
tools=(buildah runc mmdebstrap fuse-overlayfs ca-certificates)
for tool in "${tools[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$tool" 2>/dev/null)" = installed ] || missing+=("$tool")
done
if [ -n "${missing:-}" ]; then
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$store"
cat >"$store/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$store/graph"
runroot = "$store/run"
CONF
export CONTAINERS_STORAGE_CONF=$store/storage.conf
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  echo "making a Debian base from packages" >&2
  mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$store/base.tar"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$store/base.tar" / >/dev/null
  buildah commit --quiet "$container" "$base" >/dev/null
  buildah rm "$container" >/dev/null
  rm "$store/base.tar"
fi
buildah bud --isolation chroot --format docker --pull-never --layers --timestamp 0 --build-arg BASE="$base" -t "$tag" .
buildah images --format '{{.Name}}:{{.Tag}} {{.Size}}' "$tag"
