"""Large frames in tiles: time and memory.

    make bench
    python benchmarks/large_frames.py [--architectures resnet18 ...] [--output build/bench]

A detector with tiles of 512 x 512 pixels that share 64, at 256 pixels of the network, with flows (K = 8, P = 128) of random
weights. Each frame size is scored on up to two threads, for the score alone and for the map of the frame's size and regions
as well; the largest memory includes the frame itself. Written are large_frames.json and large_frames.md. About two minutes,
on a machine that does nothing else; needs torch and h5py.
"""

import statistics
import time

import apart
import cflowad

FRAMES = [(512, 512), (2048, 2048), (8000, 2000)]
TILE, OVERLAP = 512, 64
FRAME_COUNT = 3
KINDS = ("score", "regions")


def cut(path):
    """Makes a detector one with tiles."""
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs.modify("format_version", 2)
        file.create_group("tiling").attrs.update(
            tile_width=TILE, tile_height=TILE, tile_overlap=OVERLAP, positional_encoding="per tile"
        )


def work(path, threads, width, height, kind):
    """Scores a frame again and again: its tiles and map, and the milliseconds."""
    width, height = int(width), int(height)
    with cflowad.Model(path) as model:
        rows, columns, tiles = model.info.map_size(height, width)
        session = model.session(threads=int(threads), regions=100 if kind == "regions" else 0)
    frame = apart.noise(width, height)
    times = []
    for _ in range(FRAME_COUNT):
        start = time.perf_counter()
        session.score(frame, maps=["frame_map"] if kind == "regions" else [])
        times.append(1e3 * (time.perf_counter() - start))
    return {"tiles": tiles, "map": [columns, rows], "milliseconds": times[1:]}


def rows(path, threads, measure):
    cut(path)
    apart.calibrate(path, 1024, 1024)
    for size in FRAMES:
        yield {"frame": size, **{kind: measure(path, threads, *size, kind) for kind in KINDS}}


def cells(row):
    width, height = row["frame"]
    medians = [statistics.median(row[kind]["milliseconds"]) for kind in KINDS]
    tiles = row["score"]["tiles"]
    return [f"{width} x {height}", tiles, *(f"{median:.0f}" for median in medians), f"{medians[0] / tiles:.1f}",
            f"{3 * width * height / 2**20:.0f}", *(f"{row[kind]['peak']:.0f}" for kind in KINDS)]  # fmt: skip


HEAD = ["frame", "tiles", "score, ms", "with map and regions, ms", "a tile, ms", "frame's own bytes, MiB", "score, MiB",
        "with map and regions, MiB"]  # fmt: skip

if __name__ == "__main__":
    apart.run(__file__, __doc__, work, rows, HEAD, cells)
