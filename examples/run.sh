#!/usr/bin/env bash
# Installs library, tool and Python package into a folder of its own, builds each example there by the commands in its README,
# runs it, and looks at what it prints. An example whose packages are missing here is left out and named, with them.
#
#     examples/run.sh ENCODER.h5 PYTHON
#
# ENCODER.h5 holds an encoder with real weights (`python -m cflowad export encoder`), PYTHON has pip and numpy.
#
# Environment: LIBRARY_DIR with libcflowad.so [build/lib], TOOL [build/bin/cflowad]; or PREFIX, below which library and tool are
# installed already: PYTHON then has the package too.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
encoder=$(realpath "$1")
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
work=$(mktemp -d)
camera= # the process of Aravis' fake camera
trap '[ -z "$camera" ] || kill "$camera"; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# What users do, with warnings as errors, and ended by whatever leaks or is undefined.
strict="-g -Wall -Wextra -Wshadow -pedantic -Werror"
checked="-fsanitize=address,undefined -fno-sanitize-recover=all"
cc() {
    case " $* " in
    *" -shared "*) command cc $strict "$@" ;; # for a program without sanitizers
    *) command cc $strict $checked "$@" ;;
    esac
}
c++() { command c++ $strict $checked "$@"; }

# build EXAMPLE: runs the commands of the README's ```sh block in a copy of the example's folder.
build() {
    mkdir -p "$work/$1"
    cp -R "$root/examples/$1/." "$work/$1"
    sed -n '/^```sh$/,/^```$/p' "$work/$1/README.md" | sed '/^```/d' > "$work/commands"
    [ -s "$work/commands" ] || { echo "$1: its README says no command" >&2; exit 1; }
    cd "$work/$1"
    . "$work/commands"
    cd "$work"
}

# expect COUNT PATTERN: of the lines in $work/printed so many match. "+": at least one.
expect() {
    found=$(grep -cE -- "$2" "$work/printed") || true
    [ "$found" = "$1" ] || { [ "$1" = + ] && [ "$found" -gt 0 ]; } || {
        echo "examples: $found lines match '$2', not $1; printed was" >&2
        cat "$work/printed" >&2
        exit 1
    }
}

# run COMMAND...: into $work/printed, with what goes to the standard error.
run() { timeout 120 "$@" > "$work/printed" 2>&1 || { cat "$work/printed" >&2; echo "examples: $* has failed" >&2; exit 1; }; }
# One that fails has to do so in a word: not by what a sanitizer finds.
fails() {
    if timeout 120 "$@" > "$work/printed" 2>&1; then echo "examples: $* should have failed" >&2; exit 1; fi
    expect 0 'Sanitizer|runtime error'
}

passed() { echo "$1: passed"; }

# is_here EXAMPLE "DEBIAN PACKAGES" TEST...: or says which packages would have to be installed.
is_here() {
    example=$1 packages=$2
    shift 2
    "$@" > /dev/null 2>&1 || { echo "$example: left out, needs $packages"; return 1; }
}

# ------------------------------------------------------------------------------------------------------------ install

if [ -z "${PREFIX:-}" ]; then
    library=$(realpath "${LIBRARY_DIR:-$root/build/lib}") tool=${TOOL:-$root/build/bin/cflowad}
    version=$(basename "$(realpath "$library/libcflowad.so")")
    PREFIX=$work/prefix
    "$root/packaging/install.sh" "" "$PREFIX" lib "${version#libcflowad.so.}" "$library" "$tool"
    # Installing the package writes beside its sources, so it gets copies of them.
    mkdir -p "$work/source/bindings"
    cp -R "$root/include" "$work/source"
    cp -R "$root/bindings/python" "$work/source/bindings"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$PREFIX/python" \
        "$work/source/bindings/python"
    rm -rf "$work/source"
    export PYTHONPATH="$PREFIX/python"
fi
export PKG_CONFIG_PATH="$PREFIX/lib/pkgconfig" LD_LIBRARY_PATH="$PREFIX/lib" PATH="$PREFIX/bin:$PATH"

cd "$work"
"$python" "$root/examples/make_frames.py" frames
run cflowad train "$encoder" frames/good -o detector.h5 --input-size 128 --hold-back 0.3

# ------------------------------------------------------------------------------------------------------------------ C

build c/score_frame
score=c/score_frame/score_frame
run $score detector.h5 frames/line/004_scratched.ppm
expect 1 'scratched.ppm: reject, score'
expect + '^  [0-9]+ x [0-9]+ pixels at '
sed -n 's/.* score \([0-9.]*\),.*/\1/p' printed > from_image
tail -c 57600 frames/line/004_scratched.ppm > frame.raw
run $score detector.h5 frame.raw 160 120 rgb8
sed -n 's/.* score \([0-9.]*\),.*/\1/p' printed | cmp - from_image
run $score detector.h5 frame.raw 160 240 mono12p
fails $score detector.h5 frame.raw 1600 120 rgb8
expect 1 'cannot read 576000 bytes'
fails $score nowhere.h5 frame.raw 160 120 rgb8
expect 1 'nowhere.h5'
passed c/score_frame

build c/camera_queue
queue=c/camera_queue/camera_queue
run $queue detector.h5 160 120 frames/line/*.ppm
# How many are dropped depends on the machine.
lines=$(ls frames/line/*.ppm | wc -l)
expect 1 "^$lines frames, [0-9]+ dropped, [0-9]+ late\$"
expect + 'ppm: (pass|review|reject), score'
sed -n 's/\(.*ppm\): .*/\1/p' printed > in_order
sort in_order | cmp - in_order
fails $queue nowhere.h5 160 120 frames/line/*.ppm
expect 1 'nowhere.h5'
passed c/camera_queue

build c/train_and_swap
train=c/train_and_swap/train_and_swap
run $train detector.h5 "$encoder" frames/good new.h5
expect 1 ', 20 by the new one;'
expect 1 'new.h5 is in use'
run $score new.h5 frames/line/004_scratched.ppm
expect 1 ': reject'
fails $train detector.h5 "$encoder" frames/good cancelled.h5 0.1
expect 1 'the old detector stays: the progress callback asked to stop'
[ ! -e cancelled.h5 ]
passed c/train_and_swap

# ---------------------------------------------------------------------------------------------------------------- C++

build cpp/many_cameras
run cpp/many_cameras/many_cameras detector.h5 frames/line 3 20
expect 3 '^camera [0-2]: 20 frames, 4 rejected; median '
fails cpp/many_cameras/many_cameras detector.h5 frames
expect 1 'no images'
cpp/many_cameras/many_cameras detector.h5 frames/line 2 100000 > printed 2>&1 &
many=$!
sleep 2
kill -TERM $many
wait $many
expect 2 '^camera [01]: '
passed cpp/many_cameras

if is_here cpp/opencv_inspection libopencv-dev pkg-config --exists opencv4; then
    build cpp/opencv_inspection
    run cpp/opencv_inspection/before frames/line/*
    expect 1 '^0 of 20 rejected$'
    run cpp/opencv_inspection/after detector.h5 frames/line/*
    expect 16 '_good.ppm: ok$'
    expect 4 '_scratched.ppm: looks unlike a good part at '
    expect 1 '^4 of 20 rejected$'
    passed cpp/opencv_inspection
fi
(cd "$root/examples/cpp/opencv_inspection" && [ "$(diff before.cpp after.cpp | grep -c '^[<>]')" -lt 30 ])

# ------------------------------------------------------------------------------------------------------------- Python

score="$python $root/examples/python/score_folder/score_folder.py"
run $score detector.h5 frames/line --overlays heat
expect 20 '^frames/line/.*\.ppm,[0-9.]+,[0-9.]+,(pass|review|reject)$'
expect 4 'scratched.ppm,.*,reject'
[ -s heat/004_scratched.png ] && [ -s heat/019_scratched.png ]
head -c 1000 frames/line/000_good.ppm > frames/line/999_damaged.ppm
fails $score detector.h5 frames/line
expect 20 ',(pass|review|reject)$'
expect 1 '999_damaged.ppm: '
rm frames/line/999_damaged.ppm
passed python/score_folder

camera_loop="$python $root/examples/python/numpy_camera/numpy_camera.py"
for format in mono12 bgr; do
    run $camera_loop detector.h5 $format 5
    expect 5 '^frame [0-4]: (pass|review|reject), score [0-9.-]+, [0-9.]+ ms$'
done
fails $camera_loop nowhere.h5
expect 1 'nowhere.h5'
passed python/numpy_camera

# ----------------------------------------------------------------------------------------------------------------- C#

if is_here csharp "mono-mcs mono-runtime" eval "mcs --version && mono --version"; then
    build csharp
    run mono csharp/score_frames.exe detector.h5 frames/line/*
    expect 20 '^frames/line/.*: (Pass|Review|Reject), score [0-9.]+, p-value [0-9.]+, hottest at '
    expect 4 '_scratched.ppm: Reject, '
    fails mono csharp/score_frames.exe nowhere.h5 frames/line/000_good.ppm
    expect 1 '^score_frames: nowhere.h5: '
    passed csharp
fi

# ---------------------------------------------------------------------------------------------------------- GStreamer

if is_here gstreamer "libgstreamer-plugins-base1.0-dev gstreamer1.0-plugins-base gstreamer1.0-tools" \
    eval "pkg-config --exists gstreamer-app-1.0 && gst-inspect-1.0 videotestsrc"; then
    build gstreamer
    export GST_PLUGIN_PATH="$work/gstreamer" GST_REGISTRY="$work/registry"
    # A detector of the test picture, whose snow is never the same.
    source="videotestsrc num-buffers=40 ! video/x-raw,format=RGB,width=160,height=120"
    run gst-launch-1.0 -q $source ! filesink location=plain.rgb
    mkdir picture
    split --bytes=57600 --numeric-suffixes --filter='{ printf "P6 160 120 255\n"; cat; } > picture/$FILE.ppm' plain.rgb ''
    run cflowad train "$encoder" picture -o picture.h5 --input-size 128 --hold-back 0.3
    run gst-launch-1.0 -m $source ! cflowad model=picture.h5 ! filesink location=scored.rgb
    expect 40 'cflowad, verdict=[(]string[)](pass|review), score=[(]double[)]'
    cmp -s plain.rgb scored.rgb
    run gst-launch-1.0 -v ${source/num/pattern=ball num} ! cflowad model=picture.h5 ! fakesink silent=false
    expect 40 'meta: GstCflowadMeta'
    run gst-launch-1.0 -m ${source/num/pattern=ball num} ! cflowad model=picture.h5 overlay=true ! filesink location=heat.rgb
    expect 40 'cflowad, verdict=[(]string[)]reject, '
    run gst-launch-1.0 -q ${source/num/pattern=ball num} ! filesink location=ball.rgb
    [ "$(stat -c %s heat.rgb)" = "$(stat -c %s ball.rgb)" ] && ! cmp -s ball.rgb heat.rgb
    fails gst-launch-1.0 $source ! cflowad model=nowhere.h5 ! fakesink
    expect + 'nowhere.h5: it cannot be opened'
    run gstreamer/appsink_score picture.h5 "videotestsrc pattern=snow num-buffers=5 ! video/x-raw,width=160,height=120"
    expect 5 '^frame [0-4]: reject, score '
    fails gstreamer/appsink_score picture.h5 "filesrc location=nowhere"
    expect 1 'Resource not found'
    passed gstreamer
fi

# ------------------------------------------------------------------------------------------------------------- Aravis

fake_camera() {
    arv-fake-gv-camera-0.8 -i 127.0.0.1 "$@" > camera.log 2>&1 &
    camera=$!
    for _ in $(seq 100); do # until it listens, at GigE Vision's port 3956
        ! grep -q ':0F74 ' /proc/net/udp || return 0
        sleep 0.1
    done
}
end_camera() {
    kill $camera
    wait $camera || true
    camera=
}

if is_here aravis "libaravis-dev libusb-1.0-0-dev aravis-tools" \
    eval "pkg-config --exists aravis-0.8 && command -v arv-fake-gv-camera-0.8"; then
    build aravis
    # The fake camera's port is one for the whole machine.
    exec 9> "${TMPDIR:-/tmp}/cflowad-examples-camera"
    flock 9
    # The fake camera transmits Mono12p too, blank, once its description names it.
    gresource extract "$(pkg-config --variable=libdir aravis-0.8)/libaravis-0.8.so" /org/aravis/arv-fake-camera.xml |
        sed 's#<EnumEntry Name="Mono16"#<EnumEntry Name="Mono12p"><Value>17563719</Value></EnumEntry>&#' > camera.xml
    fake_camera -g camera.xml
    for format in Mono8:0x01080001 Mono16:0x01100007 Mono12p:0x010C0047 BayerRG8:0x01080009 RGB8:0x02180014; do
        run aravis/aravis_score detector.h5 127.0.0.1 3 ${format%:*}
        expect 3 "^frame [0-2]: (pass|review|reject), score .*, 512 x 512 pixels of format ${format#*:}$"
        expect 1 '^3 frames scored, [0-9]+ incomplete$'
    done
    fails aravis/aravis_score detector.h5 127.0.0.1 3 Mono11
    expect 1 Mono11
    end_camera
    fake_camera -r 3 # packets of a thousand are lost
    run aravis/aravis_score detector.h5 127.0.0.1 20 Mono8
    expect 1 '^20 frames scored, [1-9][0-9]* incomplete$'
    end_camera
    passed aravis
fi
