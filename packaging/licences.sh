#!/bin/sh
# Gathers the licences of all that is linked into what `make dist` makes for many systems.
#
#     packaging/licences.sh LINKABLE FOLDER
set -eu
linkable=$1 folder=$2
root=$(cd "$(dirname "$0")/.." && pwd)
swift=$(dirname "$(dirname "$(realpath "$(command -v swift)")")")
rm -rf "$folder"
install -D -m 644 "$root/LICENSE" "$folder/cflowad.txt"
install -m 644 "$swift/share/swift/LICENSE.txt" "$folder/swift.txt"
install -m 644 "$root/.build-lib/checkouts/swift-argument-parser/LICENSE.txt" "$folder/swift-argument-parser.txt"
"$root/packaging/notices.sh" > "$folder/swift-nio.txt"
for package in libhdf5-dev libaec-dev libpng-dev; do
    install -m 644 "/usr/share/doc/$package/copyright" "$folder/$package.txt"
done
install -m 644 "$linkable/libc6-dev.copyright" "$folder/libc6-dev.txt"
