#!/bin/sh
# Hosts that were built with earlier releases, started with this library: each is compiled against its release's header and
# linked against a library with that release's symbols, both as Tests/Fixtures/abi keeps them. They must say the same as a host
# that is built today.
#
#     Tests/C/old_hosts.sh DETECTOR.h5
#
# Environment: CC [cc], LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
records=$root/Tests/Fixtures/abi
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What stands in for the release's library when its host is linked: functions of these names, in these nodes, that do nothing.
link_library() {
    mkdir "$work/$1-lib"
    sed -n 's/^symbol \(.*\)@.*/void \1(void) {}/p' "$records/$1.txt" > "$work/$1.c"
    sed -n 's/^symbol .*@//p' "$records/$1.txt" | sort -u | while read -r node; do
        echo "$node { global: $(sed -n "s/^symbol \(.*\)@$node\$/\1;/p" "$records/$1.txt") };"
    done > "$work/$1.map"
    ${CC:-cc} -w -shared -fPIC "$work/$1.c" -o "$work/$1-lib/libcflowad.so.1" -Wl,-soname,libcflowad.so.1 \
      "-Wl,--version-script,$work/$1.map"
    ln -s libcflowad.so.1 "$work/$1-lib/libcflowad.so"
}

run() { # HEADER_FOLDER FOLDER_OF_LIBRARY_TO_LINK NAME
    ${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror "-I$1" "$root/Tests/C/old_host_test.c" -o "$work/host-$3" \
      "-L$2" -lcflowad -lm
    mkdir "$work/$3"
    LD_LIBRARY_PATH=$library "$work/host-$3" "$detector" "$work/$3" > "$work/$3.txt"
}

detector=$1
run "$root/include" "$library" today
for folder in "$records"/*/; do
    release=$(basename "$folder")
    link_library "$release"
    run "$folder" "$work/$release-lib" "$release"
    # All lines of the releases up to the host's own, and no others.
    releases=$(sed 's/:.*//' "$work/$release.txt" | sort -u | tr '\n' '|')
    grep -E "^(${releases%|}):" "$work/today.txt" | diff - "$work/$release.txt"
    grep -q "^$release: " "$work/$release.txt"
    echo "a host of $release: passed"
done

# A host of this release is refused by a library of the one before when it is started, not when it calls what is new.
cat > "$work/new.c" << 'END'
#include "cflowad.h"
int main(void) { return cflowad_default_thread_count() == 0; }
END
${CC:-cc} "-I$root/include" "$work/new.c" -o "$work/new" "-L$library" -lcflowad
LD_LIBRARY_PATH=$library "$work/new"
if LD_LIBRARY_PATH=$work/$release-lib "$work/new" 2> "$work/refused" || ! grep -q "version \`CFLOWAD_" "$work/refused"; then
    echo "a host of today starts with a library of $release" >&2
    exit 1
fi
