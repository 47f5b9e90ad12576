#!/bin/sh
# Installs the library, its headers, and what pkg-config and CMake find them by; the tool too when it is given.
#
#     packaging/install.sh PREFIX VERSION FOLDER_OF_LIBRARY [TOOL]
#
# A package made of it depends on libstdc++6, libpng16-16 and zlib1g, which the library is linked with. It loads others when
# they are needed, and says which one is missing: libopenblas0 (LAPACK) to fit a Gaussian, as training does by default,
# libjpeg62-turbo, libtiff6 and libwebp7 to read files of these kinds. They are what a package would recommend.
set -eu
prefix=$1 version=$2 library=$3 tool=${4:-}
root=$(cd "$(dirname "$0")/.." && pwd)
major=${version%%.*}

fill() {
    sed -e "s/@VERSION@/$version/g" -e "s/@MAJOR@/$major/g" "$root/packaging/$1.in" > "$2/$1"
}

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/cflowad"
install -m 644 "$root/include/cflowad.h" "$root/include/cflowad.hpp" "$prefix/include"
install -m 755 "$library/libcflowad.so.$version" "$prefix/lib"
ln -sf "libcflowad.so.$version" "$prefix/lib/libcflowad.so.$major"
ln -sf "libcflowad.so.$major" "$prefix/lib/libcflowad.so"
fill cflowad.pc "$prefix/lib/pkgconfig"
fill cflowadConfig.cmake "$prefix/lib/cmake/cflowad"
fill cflowadConfigVersion.cmake "$prefix/lib/cmake/cflowad"
# What the library carries of others, under their licences.
for package in libhdf5-dev libaec-dev; do
    install -D -m 644 "/usr/share/doc/$package/copyright" "$prefix/share/doc/cflowad/$package.copyright"
done
[ -z "$tool" ] || install -D -m 755 "$tool" "$prefix/bin/cflowad"
