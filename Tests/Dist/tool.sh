#!/bin/sh
# An installed tool at work: it says its version, trains, scores and serves its page. Where OpenBLAS is missing, fitting a Gaussian names it.
#
#     Tests/Dist/tool.sh TOOL FOLDER_OF_DATA
set -eu
tool=$(command -v "$1") data=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$tool" --version
if ldd "$tool" | grep 'not found'; then exit 1; fi
"$tool" score "$data/detector.h5" "$data/frames/00.ppm" --format json > "$work/scored"
grep -q '"score"' "$work/scored"
"$tool" train "$data/encoder.h5" "$data/frames" -o "$work/paper.h5" --input-size 64 --start paper --meta-epochs 1 --sub-epochs 1 \
    2> "$work/said" || { cat "$work/said"; exit 1; }
"$tool" score "$work/paper.h5" "$data/frames" > "$work/scored"
if "$tool" train "$data/encoder.h5" "$data/frames" -o "$work/detector.h5" --input-size 64 2> "$work/said"; then
    "$tool" score "$work/detector.h5" "$data/frames" > "$work/scored"
    echo "tool: trains a Gaussian"
else
    grep -q libopenblas0 "$work/said" || { cat "$work/said"; exit 1; }
    echo "tool: says that libopenblas0 is missing"
fi

# The live page answers, and ends when it is asked to. A base has no program that speaks HTTP but bash.
"$tool" serve "$data/detector.h5" "$data/frames" --port 0 > "$work/address" 2> "$work/said" &
server=$!
until [ -s "$work/address" ]; do kill -0 $server || { cat "$work/said"; exit 1; }; sleep 0.1; done
port=$(sed 's/.*:\(.*\)\//\1/' "$work/address")
bash -c "exec 3<> /dev/tcp/127.0.0.1/$port; printf 'GET / HTTP/1.0\r\nhost: localhost\r\n\r\n' >&3; cat <&3" > "$work/page"
grep -q 'id="slider"' "$work/page"
kill $server
wait $server
echo "tool: serves its page"
