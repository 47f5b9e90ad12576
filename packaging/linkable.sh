#!/bin/sh
# Makes a folder of what library and tool are linked with in place of this machine's libraries, so that they run on many systems:
# the C library of an old Debian, what is old of the C++ runtime, and a static libpng. The linker takes the libraries of a folder that
# comes first; pkg-config's libpng.pc, which is in it, puts it there.
#
#     packaging/linkable.sh FOLDER DEBIAN_RELEASE...
#
# The first release that Debian's mirror still has is taken.
set -eu
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# make would take what is left of a failure for the whole.
trap '[ $? = 0 ] || rm -rf "$folder"' EXIT
multiarch=$(gcc -print-multiarch)

for release in "$@"; do
    mmdebstrap --quiet --variant=extract --include=libc6-dev "$release" "$folder/glibc" && break
    rm -rf "$folder/glibc"
done
echo "linking with the C library of $release"
shared=$folder/glibc/lib/$multiarch static=$folder/glibc/usr/lib/$multiarch
for library in libm.so.6 libdl.so.2 libpthread.so.0; do
    ln -s "$shared/$library" "$folder/${library%.*}"
done
echo "GROUP($shared/libc.so.6 $static/libc_nonshared.a AS_NEEDED($(echo "$shared"/ld-linux*)))" > "$folder/libc.so"
ln -s "/usr/lib/$multiarch/libpng16.a" "$folder/"
# All that is newer than GCC 5 in what is used of the C++ runtime.
cat > "$folder/newer.cpp" << END
#include <new>
namespace std { void __throw_bad_array_new_length() { throw bad_array_new_length(); } }
END
g++ -O2 -fPIC -c "$folder/newer.cpp" -o "$folder/newer.o"
ar -rcs "$folder/newer.a" "$folder/newer.o"
echo "GROUP($folder/newer.a $(g++ -print-file-name=libstdc++.so))" > "$folder/libstdc++.so"
# A program's start is linked into it: since glibc 2.34 it leaves constructors to the C library, and an older one would not call
# them.
objcopy --redefine-sym _start=start_of_old --keep-global-symbol=start_of_old "$static/Scrt1.o" "$folder/start.o"
cat > "$folder/libpng.pc" << END
Name: libpng
Description: Debian's static libpng, from a folder with what else is linked
Version: $(pkg-config --modversion libpng)
Cflags: $(pkg-config --cflags libpng)
Libs: -L$folder -lpng16 -lz -lm
END
cp "$folder/glibc/usr/share/doc/libc6-dev/copyright" "$folder/libc6-dev.copyright"
