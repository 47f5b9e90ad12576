#!/bin/sh
# Installs a wheel into a fresh environment and uses it there.
#
#     Tests/Dist/wheel.sh WHEEL FOLDER_OF_DATA
#
# Environment: VENV_OPTIONS of `python3 -m venv`, PIP_OPTIONS of `pip install` [h5py, from PyPI as numpy is].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wheel=$(realpath "$1")
data=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH CFLOWAD_LIBRARY || true

python3 -m venv ${VENV_OPTIONS:-} "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check ${PIP_OPTIONS:-h5py} "$wheel"
cd "$work"
for first in h5py cflowad; do
    "$work/venv/bin/python" -I "$here/wheel_test.py" "$data" $first
done
"$here/tool.sh" "$work/venv/bin/cflowad" "$data"
"$work/venv/bin/python" -m pip uninstall --quiet --yes cflowad
[ -z "$(find "$work/venv" -name '*cflowad*')" ]
echo "wheel: passed"
