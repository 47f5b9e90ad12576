#!/bin/sh
# Makes the tarball that may be unpacked anywhere: library, headers, tool, what pkg-config and CMake find them by, man pages,
# documents, licences and SBOM.
#
#     packaging/tarball.sh VERSION PRODUCTS FOLDER_OF_MAN_PAGES OUTPUT.tar.gz
#
# Environment: SOURCE_DATE_EPOCH, the date of all that is in it.
set -eu
version=$1 products=$2 manual=$3 output=$4
root=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$output" .tar.gz)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

"$root/packaging/install.sh" "$stage" "/$name" lib "$version" "$products" "$products/cflowad" "$manual"
documents=$stage/$name/share/doc/cflowad
# Here is nothing to uninstall, and the licences are those of all that is linked.
rm "$documents/files" "$documents"/*.copyright
cp -r "$products/licences" "$products/cflowad.spdx.json" "$documents/"
cp "$root/docs/install.md" "$stage/$name/INSTALL.md"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -C "$stage" -cf - "$name" \
    | gzip -9n > "$output"
