#!/bin/sh
# Tests of cflowad.hpp: that it wraps every function, with each compiler that is there, as C++17 and C++20, with and
# without exceptions; and of an installed copy, by the examples of both headers, found by pkg-config and CMake.
#
#     Tests/CXX/run.sh DETECTOR.h5 [TILED.h5]
#
# Environment: LIBRARY_DIR with libcflowad.so [build/lib].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
detector=$(realpath "$1")
tiled=${2:+$(realpath "$2")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$root/Tests/CXX/covers.sh"

for compiler in g++ clang++; do
    command -v $compiler > /dev/null || continue
    for standard in 17 20; do
        for exceptions in -fexceptions -fno-exceptions; do
            $compiler -std=c++$standard $exceptions -pthread -Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror "-I$root/include" \
                "$root/Tests/CXX/hpp_test.cpp" -o "$work/hpp" "-L$library" -lcflowad "-Wl,-rpath,$library"
            echo "$compiler: $("$work/hpp" "$detector" "$work" ${tiled:+"$tiled"})"
        done
    done
done

version=$(basename "$(realpath "$library/libcflowad.so")")
tool=$root/build/bin/cflowad
[ -x "$tool" ] || tool=
# Where distributions put libraries, and what is left when all of it is removed again.
multiarch=lib/$(cc -print-multiarch)
"$root/packaging/install.sh" "$work/root" /usr "$multiarch" "${version#libcflowad.so.}" "$library" $tool
[ "$(PKG_CONFIG_PATH="$work/root/usr/$multiarch/pkgconfig" pkg-config --variable=includedir cflowad | xargs realpath)" = \
    "$(realpath "$work/root/usr/include")" ]
(cd "$work/root/usr" && find . ! -type d | sed 's#^./##' | sort) > "$work/found"
sort "$work/root/usr/share/doc/cflowad/files" | cmp - "$work/found"
"$root/packaging/uninstall.sh" "$work/root" /usr
[ -z "$(find "$work/root/usr" -mindepth 1)" ]
echo "installed and removed: passed"

"$root/packaging/install.sh" "" "$work/first" lib "${version#libcflowad.so.}" "$library"
mv "$work/first" "$work/prefix" # it may be moved
example() { sed -n '/^ \* \[example\]$/,/^ \* \[\/example\]$/p' "$work/prefix/include/$1" | sed '1d;$d'; }
example cflowad.h > "$work/example.c"
example cflowad.hpp > "$work/example.cpp"

export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig" LD_LIBRARY_PATH="$work/prefix/lib"
flags=$(pkg-config --cflags --libs cflowad)
cc -std=c99 "$work/example.c" -o "$work/example" $flags
"$work/example" "$detector" > "$work/printed_c"
c++ -std=c++17 -Wall -Wextra -Wshadow -Wold-style-cast -Wpedantic -Werror "$work/example.cpp" -o "$work/example" $flags
"$work/example" "$detector" > "$work/printed_cpp"
grep -q '^score ' "$work/printed_cpp"
cmp "$work/printed_c" "$work/printed_cpp"
if "$work/example" /nowhere.h5 2> /dev/null; then echo "a missing model is no failure" >&2; exit 1; fi
echo "installed, by pkg-config: passed"

command -v cmake > /dev/null || exit 0
cat > "$work/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.13)
project(example C CXX)
find_package(cflowad 1.0 REQUIRED)
find_package(cflowad 2.0 QUIET)
if(cflowad_FOUND)
  message(FATAL_ERROR "version 1 was taken for version 2")
endif()
find_package(cflowad REQUIRED)
add_executable(example_cpp example.cpp)
target_compile_features(example_cpp PRIVATE cxx_std_17)
target_link_libraries(example_cpp PRIVATE cflowad::cflowad)
END
cmake -S "$work" -B "$work/cmake" "-DCMAKE_PREFIX_PATH=$work/prefix" > "$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/cmake" > "$work/log" || { cat "$work/log"; exit 1; }
"$work/cmake/example_cpp" "$detector" | cmp - "$work/printed_cpp"
echo "installed, by CMake: passed"
