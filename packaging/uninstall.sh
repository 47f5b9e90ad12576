#!/bin/sh
# Removes what packaging/install.sh installed, and the folders that are empty then.
#
#     packaging/uninstall.sh ROOT PREFIX
set -eu
base=$1$2
list=$base/share/doc/cflowad/files
[ -f "$list" ] || {
    echo "nothing of cflowad is installed in $base" >&2
    exit 1
}
files=$(cat "$list")
for file in $files; do
    rm -f "$base/$file"
done
# Deepest first; folders that others use stay.
for file in $files; do
    folder=$(dirname "$file")
    while [ "$folder" != . ]; do
        echo "$folder"
        folder=$(dirname "$folder")
    done
done | sort -ru | while read -r folder; do
    rmdir "$base/$folder" 2> /dev/null || true
done
if [ -z "$1" ] && [ "$(id -u)" = 0 ] && command -v ldconfig > /dev/null; then
    ldconfig
fi
