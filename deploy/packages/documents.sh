#!/bin/sh
# documents.sh BUILD SHARE: writes into SHARE the copyright and changelogs of the package, and what the binary says of itself: manual page
# and completions. The licences are Debian's own texts of every archive that the binary was linked from, and of the libraries that are
# headers only. (Boost's licence asks for none with object code.)
set -eu
build=$1
cd "$(dirname "$0")"
doc=$2/doc/forager
mkdir -p "$doc"

# named by path, or by -l between the linker's words "static" and "dynamic"
words=$(sed -n '/^build forager: /,/^$/s/^ *LINK_LIBRARIES = //p' "$build/build.ninja" | tr ' ' '\n')
archives=$(echo "$words" | grep -E '^/.*\.a$' || true)
for name in $(echo "$words" | sed -n '/-Bstatic/,/-Bdynamic/s/^-l//p'); do archives="$archives $(readlink -f "$(g++ -print-file-name="lib$name.a")")"; done
[ -n "${archives# }" ] || { echo "documents: no archive in $build/build.ninja: was the build's generator Ninja?" >&2; exit 1; }
packages="libcli11-dev libprotozero-dev"
for archive in $archives; do
  owner=$(dpkg -S "$archive" 2>/dev/null || dpkg -S "${archive#/usr}")
  packages="$packages ${owner%%:*}"
done

{
  cat copyright
  for package in $(echo "$packages" | tr ' ' '\n' | sort -u); do
    printf '\n\n==== %s ====\n\n' "$package"
    cat "/usr/share/doc/$package/copyright"
  done
} >"$doc/copyright"
gzip -9n <changelog >"$doc/changelog.Debian.gz"
gzip -9n <../../CHANGELOG.md >"$doc/changelog.gz"
chmod 0644 "$doc"/copyright "$doc"/changelog*

share=$2
put() {  # FILE COMMAND...: what the binary prints, for everybody to read
  file=$share/$1
  shift
  mkdir -p "$(dirname "$file")"
  "$build/forager" "$@" >"$file"
  [ -s "$file" ] || { echo "documents: nothing from forager $*" >&2; exit 1; }
  chmod 0644 "$file"
}
put man/man1/forager.1 man
gzip -9nf "$share/man/man1/forager.1"
put bash-completion/completions/forager completion bash
put zsh/vendor-completions/_forager completion zsh
put fish/vendor_completions.d/forager.fish completion fish
