#!/bin/sh
# Says which shared libraries the given files need, and fails when one of them is not to be had on every system: beside the C and
# C++ runtimes, zlib and libpng. What they load later is no part of it.
#
#     packaging/needs.sh FILE...
set -eu
for file in "$@"; do
    needed=$(objdump -p "$file" | sed -n 's/^ *NEEDED *//p')
    versions=$(objdump -T "$file" | grep -oE '(GLIBC|GLIBCXX)_[0-9.]+' | sort -Vu)
    echo "$(basename "$file"), $(stat -Lc %s "$file") bytes, needs" $needed
    for kind in GLIBC_ GLIBCXX_; do
        echo "    $(echo "$versions" | grep "^$kind" | tail -n 1)"
    done
    for library in $needed; do
        case $library in
            libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | ld-linux-*.so.? | libgcc_s.so.1 | libstdc++.so.6) ;;
            libz.so.1 | libpng16.so.16) ;;
            *)
                echo "$file needs $library" >&2
                exit 1
                ;;
        esac
    done
done
