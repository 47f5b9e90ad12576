#!/bin/sh
# Debian's symbols file, on the standard output: which release of the library each function needs, by the records of all
# releases. What is built with a function then depends on the release that brought it.
#
#     packaging/symbols.sh
set -eu
cd "$(dirname "$0")/../Tests/Fixtures/abi"
echo 'libcflowad.so.1 libcflowad1 #MINVER#'
for record in $(printf '%s\n' *.txt | sort -V); do
    sed -n "s/^symbol \(.*\)/ \1 ${record%.txt}.0/p" "$record"
done | sort -u -k1,1 --stable
