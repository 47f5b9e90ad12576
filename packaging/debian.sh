#!/bin/sh
# Makes Debian packages, for the release of this machine, of what is built already, and holds them to Debian's policy.
#
#     packaging/debian.sh VERSION FOLDER_OF_LIBRARY TOOL FOLDER_OF_MAN_PAGES OUTPUT_FOLDER
#
# Environment: SOURCE_DATE_EPOCH, the date of all that is in them; DEBFULLNAME and DEBEMAIL, who they are by, else the author of
# the last commit.
set -eu
version=$1 library=$2 tool=$3 manual=$4 output=$5
root=$(cd "$(dirname "$0")/.." && pwd)
tree=$root/build/dist/debian/cflowad-$version
rm -rf "$root/build/dist/debian"
mkdir -p "$tree/built"
# debhelper looks for debian/ at the top.
cp -r "$root/packaging" "$root/include" "$root/docs" "$root/examples" "$root"/*.md "$root/LICENSE" "$tree/"
mv "$tree/packaging/debian" "$tree/debian"
cp "$library/libcflowad.so.$version" "$tool" "$tree/built/"
cp -r "$manual" "$tree/built/man"
maintainer="${DEBFULLNAME:-$(git -C "$root" log -1 --format=%an)} <${DEBEMAIL:-$(git -C "$root" log -1 --format=%ae)}>"
"$root/packaging/symbols.sh" > "$tree/debian/libcflowad1.symbols"
sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
printf '\n---- SwiftNIO ----\n\n%s\n' "$("$root/packaging/notices.sh")" >> "$tree/debian/copyright"
# The licences of what is linked are those that Debian states.
for package in libhdf5-dev libaec-dev; do
    printf '\n---- %s ----\n\n' "$package"
    cat "/usr/share/doc/$package/copyright"
done >> "$tree/debian/copyright"
cat > "$tree/debian/changelog" << END
cflowad ($version) unstable; urgency=medium

  * Version $version; /usr/share/doc/libcflowad1/changelog.gz says what is new.

 -- $maintainer  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps)
lintian --fail-on error,warning --tag-display-limit 0 "$root"/build/dist/debian/*.changes
cp "$root"/build/dist/debian/*.deb "$output/"
