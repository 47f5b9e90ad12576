#!/bin/sh
# The library as a guest: in a host with another locale, of real-time priority, on file systems that are read-only, within half a
# processor and 256 MiB, as a plug-in, and twice in one process. What it computes must be the same everywhere.
#
#     Tests/C/guest.sh DETECTOR.h5
#
# What the machine does not allow (root's rights, control groups, the sources of locales) is named as skipped.
#
# Environment: CC [cc], LIBRARY_DIR with libcflowad.so [build/lib], OTHER_LIBRARY, another version of it [a copy].
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "${LIBRARY_DIR:-$root/build/lib}" && pwd)
detector=$(realpath "$1")
work=$(mktemp -d)
group=
clean() {
    [ -z "$group" ] || rmdir "$group" || true
    rm -rf "$work"
}
trap clean EXIT

skipped() { echo "guest, $1: skipped: $2"; }

for name in guest guest_loading; do
    ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -pthread "-I$root/include" "$root/Tests/C/${name}_test.c" -o "$work/$name" \
      "-L$library" -lcflowad -ldl "-Wl,-rpath,$library"
done

# Runs it in some surroundings, by a command, and compares.
guest() { # SURROUNDINGS [COMMAND...]
    surroundings=$1
    shift
    mkdir "$work/$surroundings"
    # Through a pipe, so that nothing that is open for writing keeps a file system writable.
    { "$@" "$work/guest" "$detector" "$work/plain/encoder.h5" "$work/$surroundings" "$surroundings" || echo "exit $?"; } | cat > "$work/$surroundings.txt"
    if grep -q '^exit 77$' "$work/$surroundings.txt"; then return 77; fi
    sort -u "$work/$surroundings.txt" | diff "$work/expected" - || exit 1
    echo "guest, $surroundings: passed"
}

mkdir "$work/plain"
"$work/guest" "$detector" "$work/plain/encoder.h5" "$work/plain" plain > "$work/plain.txt"
sort -u "$work/plain.txt" > "$work/expected"
[ "$(wc -l < "$work/expected")" -gt 15 ]

mkdir "$work/locales"
if localedef -i de_DE -f UTF-8 "$work/locales/de_DE.UTF-8" 2> /dev/null; then
    guest locale env "LOCPATH=$work/locales" LC_ALL=de_DE.UTF-8
else
    skipped locale "Debian's package locales is not installed"
fi

guest real-time env || skipped real-time "its priority is not permitted"

# The program's own view of the file systems, all of them read-only.
if unshare --mount true 2> /dev/null; then
    guest read-only unshare --mount sh -c '
        for mount in / /tmp "$(df --output=target "$0" | tail -1)"; do mount -o remount,ro,bind "$mount" 2> /dev/null || true; done
        exec "$0" "$@"'
else
    skipped read-only "no rights to mount"
fi

# Half a processor by a control group below the own one, of version 2 or 1.
half_a_processor() { # GROUP FILE VALUE...
    mkdir "$1" 2> /dev/null || return 1
    # A folder of a control group has this file from the start; elsewhere any folder could be made.
    [ -e "$1/cgroup.procs" ] || { rmdir "$1"; return 1; }
    group=$1
    shift
    while [ $# -gt 0 ]; do
        { echo "$2" > "$group/$1"; } 2> /dev/null || return 1
        shift 2
    done
}
name=cflowad-guest-$$
unified=$(sed -n 's/^0:://p' /proc/self/cgroup)
if half_a_processor "/sys/fs/cgroup${unified%/}/$name" cpu.max "50000 100000" \
  || half_a_processor "/sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:[^:]*\bcpu\b[^:]*:\/\{0,1\}/\//p' /proc/self/cgroup)/$name" \
       cpu.cfs_period_us 100000 cpu.cfs_quota_us 50000; then
    guest small sh -c 'echo $$ > "$1/cgroup.procs" || exit 1; shift; exec "$@"' sh "$group"
else
    skipped small "no control group can be made"
fi

cp "$(realpath "${OTHER_LIBRARY:-$library/libcflowad.so.1}")" "$work/other.so"
"$work/guest_loading" "$detector" "$library/libcflowad.so.1" "$work/other.so"
echo "guest, loading: passed"
