#!/bin/sh
# Holds together what says which version this is: the header's version, the Python package, the changes, the record of the
# interface, the nodes of exported symbols, and git's tag. (Debian's changelog, pkg-config and CMake are written from the header's
# version when they are made.)
#
#     packaging/check-version.sh VERSION
set -eu
cd "$(dirname "$0")/.."
version=$1
series=${version%.*}

fail() {
    echo "check-version: the header's version is $version, but $*" >&2
    exit 1
}

package=$(python3 -c 'import runpy; print(runpy.run_path("bindings/python/cflowad/_version.py")["__version__"])')
[ "$package" = "$version" ] || fail "the Python package's is $package"

heading=$(grep -m 1 '^## ' CHANGELOG.md)
case $heading in
    "## $version" | "## $version,"*) ;;
    *) fail "CHANGELOG.md begins with \"$heading\"" ;;
esac

newest=$(printf '%s\n' Tests/Fixtures/abi/*.txt | sort -V | tail -1)
[ "$newest" = "Tests/Fixtures/abi/$series.txt" ] || fail "the newest record of the interface is $newest"

node=$(sed -n 's/^\(CFLOWAD_[0-9.]*\) {.*/\1/p' Sources/CFlowAD/exports.map | sort -V | tail -1)
[ "$(printf '%s\n' "$node" "CFLOWAD_$series" | sort -V | tail -1)" = "CFLOWAD_$series" ] \
    || fail "exports.map has the node $node"

# A released version has its tag, and what comes after it is another version.
tag=$(git describe --tags --exact-match --match 'v[0-9]*' HEAD 2> /dev/null || true)
[ -z "$tag" ] || [ "$tag" = "v$version" ] || fail "git's tag is $tag"
case $heading in
    *"not released"*) ! git rev-parse -q --verify "refs/tags/v$version" > /dev/null || fail "v$version was tagged already" ;;
esac
echo "version $version everywhere"
