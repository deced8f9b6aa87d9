# shellcheck shell=bash
# Sourced from the root of the tree, as root: installs what containers need, and sets up a store of our own under .cache with a Debian
# base in it. Leaves $store, $base and the array pull (for buildah).
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
store=${FORAGER_IMAGE_STORE:-$PWD/.cache/containers}
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
# shellcheck disable=SC2034 # used by who sources this
pull=()
if [ -z "${BASE:-}" ]; then
  # shellcheck disable=SC2034
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
