#!/bin/sh
# Lays out the root of the image: image-root.sh BINARY FOLDER. The binary, every library it loads, CA certificates, a user, a volume.
set -eu
binary=$1 root=$2
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/var/lib/forager" "$root/tmp"
cp "$binary" "$root/usr/bin/forager"
# the loader and what ldd names, at the paths the loader looks for them
ldd "$binary" | grep -oE '/[^ ]+' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mkdir -p "$root/usr/lib/ssl" && ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
echo 'forager:x:65532:65532::/var/lib/forager:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'forager:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chown 65532:65532 "$root/var/lib/forager"
chmod 1777 "$root/tmp"
