#!/bin/sh
# Lays out the root of the image: image-root.sh BINARY LICENSE FOLDER. The binary, every library it loads, CA certificates, the licences
# of all that is in it, a user, a volume. Runs in the build stage, where all of it comes from Debian packages.
set -eu
binary=$1 licence=$2 root=$3
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/usr/lib/ssl" "$root/var/lib/forager" "$root/tmp"
cp "$binary" "$root/usr/bin/forager"

# The loader and what ldd names, at the paths the loader looks for them. A library that is missing ends the build here.
libraries=$(ldd "$binary")
case $libraries in *'not found'*) echo "$libraries" >&2; exit 1 ;; esac
for library in $(echo "$libraries" | grep -oE '/[^ ]+'); do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

# Licences: Debian's copyright file of each package whose library is in the image, those linked statically included. (Boost's asks for
# none with object code, and Debian's file for it has 2 MB.)
licences_of() {
  for package in "$@"; do
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  done
}
for library in $(echo "$libraries" | grep -oE '/[^ ]+'); do
  # /lib is a link to /usr/lib there, and dpkg knows a file by one of the two names
  owner=$(dpkg -S "$library" 2>/dev/null || dpkg -S "/usr$library")
  licences_of "${owner%%:*}"
done
licences_of ca-certificates libgrpc-dev libabsl-dev libre2-dev libc-ares-dev zlib1g-dev libcli11-dev libprotozero-dev
mkdir -p "$root/usr/share/doc/forager"
cp "$licence" "$root/usr/share/doc/forager/LICENSE"

echo 'forager:x:65532:65532::/var/lib/forager:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'forager:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chown 65532:65532 "$root/var/lib/forager"
chmod 1777 "$root/tmp"
