#!/bin/sh
# Installs what was built, and builds nothing: the library, its headers, what pkg-config and CMake find them by, licences and
# documents; with the tool also its completions, and its man pages where they were made.
#
#     packaging/install.sh ROOT PREFIX LIBDIR VERSION FOLDER_OF_LIBRARY [TOOL [FOLDER_OF_MAN_PAGES]]
#
# ROOT is a packager's DESTDIR, or empty. LIBDIR is below PREFIX: lib, lib64, lib/x86_64-linux-gnu. What was installed is listed
# in PREFIX/share/doc/cflowad/files, by which packaging/uninstall.sh removes it.
#
# A package made of it depends on libstdc++6, libpng16-16 and zlib1g, which the library is linked with. It loads others when
# they are needed, and says which one is missing: libopenblas0 (LAPACK) to fit a Gaussian, as training does by default,
# libjpeg62-turbo, libtiff6 and libwebp7 to read files of these kinds. They are what a package would recommend.
set -eu
destination=$1 prefix=$2 libdir=$3 version=$4 library=$5 tool=${6:-} manual=${7:-}
root=$(cd "$(dirname "$0")/.." && pwd)
major=${version%%.*}
documents=share/doc/cflowad
list=$destination$prefix/$documents/files
# From a folder two below LIBDIR, as pkgconfig and cmake/cflowad are, back to PREFIX.
up=$(echo "$libdir" | sed 's#[^/][^/]*#..#g')

mkdir -p "$destination$prefix/$documents"
: > "$list"

# put MODE SOURCE TARGET: copies a file to a place below PREFIX.
put() {
    install -D -m "$1" "$2" "$destination$prefix/$3"
    echo "$3" >> "$list"
}

# link TEXT TARGET
link() {
    ln -sf "$1" "$destination$prefix/$2"
    echo "$2" >> "$list"
}

# fill FILE FOLDER: a template of packaging, filled in.
fill() {
    filled=$(mktemp)
    sed -e "s#@VERSION@#$version#g; s#@MAJOR@#$major#g; s#@LIBDIR@#$libdir#g; s#@UP@#$up#g" "$root/packaging/$1.in" > "$filled"
    put 644 "$filled" "$2/$1"
    rm -f "$filled"
}

put 644 "$root/include/cflowad.h" include/cflowad.h
put 644 "$root/include/cflowad.hpp" include/cflowad.hpp
put 755 "$library/libcflowad.so.$version" "$libdir/libcflowad.so.$version"
link "libcflowad.so.$version" "$libdir/libcflowad.so.$major"
link "libcflowad.so.$major" "$libdir/libcflowad.so"
fill cflowad.pc "$libdir/pkgconfig"
fill cflowadConfig.cmake "$libdir/cmake/cflowad"
fill cflowadConfigVersion.cmake "$libdir/cmake/cflowad"
for document in "$root"/LICENSE "$root"/README.md "$root"/CHANGELOG.md "$root"/SECURITY.md "$root"/docs/*.md \
    "$root"/docs/*/*.md "$root"/docs/pictures/*.[jp]*g; do
    put 644 "$document" "$documents/${document#"$root/"}"
done
(cd "$root/examples" && find README.md make_frames.py ./*/ -type f) | sed 's#^\./##' | while read -r example; do
    put 644 "$root/examples/$example" "$documents/examples/$example"
done
# What the library carries of others, under their licences.
for package in libhdf5-dev libaec-dev; do
    put 644 "/usr/share/doc/$package/copyright" "$documents/$package.copyright"
done
[ -z "$tool" ] || {
    put 755 "$tool" bin/cflowad
    script=$(mktemp)
    # Where they are not, a packager says it elsewhere.
    if "$root/packaging/notices.sh" > "$script" 2> /dev/null; then put 644 "$script" "$documents/swift-nio.copyright"; fi
    for shell in bash:share/bash-completion/completions/cflowad zsh:share/zsh/site-functions/_cflowad \
        fish:share/fish/vendor_completions.d/cflowad.fish; do
        # They are read by a shell, never run: no interpreter.
        "$tool" --generate-completion-script "${shell%%:*}" | sed '1{/^#!/d;}' > "$script"
        put 644 "$script" "${shell#*:}"
    done
    rm -f "$script"
    for page in ${manual:+"$manual"/*.1}; do
        put 644 "$page" "share/man/man1/$(basename "$page")"
    done
}
# The list itself comes last.
echo "$documents/files" >> "$list"

# The system's loader keeps a cache of the libraries in its own folders.
if [ -z "$destination" ] && [ "$(id -u)" = 0 ] && command -v ldconfig > /dev/null; then
    ldconfig
fi
