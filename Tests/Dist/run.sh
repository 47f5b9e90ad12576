#!/bin/bash
# Installs, uses and removes what `make dist` made, in roots that have nothing but a Debian's base: no Swift, no checkout. Each
# gets a fresh one. Takes root's rights.
#
#     Tests/Dist/run.sh DIST FOLDER_OF_DATA FOLDER_OF_ROOTS SUITE...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dist=$1 data=$2 roots=$3
shift 3
mkdir -p "$roots"
root=
trap 'rm -rf "$root"' EXIT

# fresh SUITE: a root with a Debian's base, what was made in /dist and the tests in /tests.
fresh() {
    [ -f "$roots/$1.tar" ] || mmdebstrap --quiet --variant=minbase "$1" "$roots/$1.tar"
    rm -rf "$root"
    root=$(mktemp -d "$roots/root.XXXXXX")
    chmod 755 "$root"
    tar -xf "$roots/$1.tar" -C "$root"
    cp -L /etc/resolv.conf "$root/etc/"
    echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/throwaway"
    echo 'Dpkg::Use-Pty "0";' > "$root/etc/apt/apt.conf.d/throwaway"
    mkdir "$root/dist" "$root/tests"
    cp "$dist"/* "$root/dist/"
    cp -r "$here"/* "$data" "$root/tests/"
}

# inside: runs a script from standard input in the root, with processes and mounts of its own.
inside() {
    unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        http_proxy="${http_proxy:-}" sh -eu -c "
install() { apt-get update -qq; apt-get install -qq --no-install-recommends \"\$@\" > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }; }
cd /tmp
$(cat)"
}

tarball() {
    inside << 'END'
tar -xzf /dist/cflowad-*.tar.gz
mv cflowad-* /opt/cflowad # it may lie anywhere
/tests/tool.sh /opt/cflowad/bin/cflowad /tests/data
install gcc libc6-dev pkg-config libopenblas0
/tests/tool.sh /opt/cflowad/bin/cflowad /tests/data
PKG_CONFIG_PATH=/opt/cflowad/lib/pkgconfig LD_LIBRARY_PATH=/opt/cflowad/lib /tests/program.sh /tests/data
END
}

wheel() {
    inside << 'END'
install python3-venv python3-numpy python3-h5py
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "wheel: needs Python 3.10, which is not here"; exit 0; }
VENV_OPTIONS=--system-site-packages PIP_OPTIONS=--no-index /tests/wheel.sh /dist/*.whl /tests/data
END
}

debian() {
    inside << 'END'
# What man keeps of pages that were read is its own.
traces() { find / -xdev -name '*cflowad*' ! -path '/dist/*' ! -path '/tests/*' ! -path '/var/cache/man/*'; }
traces > /tmp/before
install /dist/*.deb
/tests/tool.sh cflowad /tests/data
install gcc libc6-dev pkg-config libopenblas0 man-db
/tests/tool.sh cflowad /tests/data
/tests/program.sh /tests/data
man cflowad > /tmp/page
grep -q train /tmp/page
apt-get purge -qq cflowad libcflowad-dev libcflowad1 > /tmp/log
traces | diff /tmp/before -
END
}

for suite in "$@"; do
    for what in tarball wheel debian; do
        # Debian's packages are of the machine's own release; later ones take them, earlier ones have an older C library.
        [ $what = debian ] && [ "$suite" = bullseye ] && continue
        fresh "$suite"
        echo "== $what on $suite"
        $what
    done
done
echo "dist: passed"
