"""How soon a watch tells that a line has changed, and how often it is wrong: random splits of real good frames.

    python benchmarks/line_watch.py [--frames FOLDER] [--splits N]

Frames are the good monocrystalline cells of the elpv-dataset (PyPI), or the images of a folder. Two fifths train a detector
(EfficientNet-Lite0, 128 x 128, Gaussian start). In each split two fifths, drawn at random, calibrate it, and what is left comes as
the line, in random order, again and again changed anew after half of the frames: darker, brighter, blurred, out of focus, shifted.
The table tells in how many splits the change was told and after how many changed frames; and how often one was told where there
was none, which the false-alarm rate bounds.

Below it the same bets on two kinds of p-values of simulated scores, without a change and with defective parts among them: those of
the watch, and a frame's own p-value, by the calibration alone, smoothed likewise. These are not independent: an unlucky calibration
makes them all too small.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import cflowad  # noqa: E402
from calibration_promise import good_cells  # noqa: E402

RATE = 0.01


def exposed(factor):
    return lambda image: np.clip(image * factor, 0, 255).round().astype(np.uint8)


def blurred(radius):
    return lambda image: np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def defocused(radius):
    """A disk, as a lens out of focus makes of a point."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    offsets = np.argwhere(x * x + y * y <= radius * radius + 0.5)

    def change(image):
        padded = np.pad(image, [(radius, radius)] * 2 + [(0, 0)] * (image.ndim - 2), "edge").astype(np.float32)
        height, width = image.shape[:2]
        return np.mean([padded[a : a + height, b : b + width] for a, b in offsets], 0).round().astype(np.uint8)

    return change


def shifted(share):
    """To the right, the left edge repeated."""

    def change(image):
        count = round(share * image.shape[1])
        return np.pad(image, [(0, 0), (count, 0)] + [(0, 0)] * (image.ndim - 2), "edge")[:, : image.shape[1]].copy()

    return change


CHANGES = {
    "none": None,
    "exposure x 0.95": exposed(0.95),
    "exposure x 0.8": exposed(0.8),
    "exposure x 1.2": exposed(1.2),
    "blur, 1 pixel": blurred(1),
    "blur, 2 pixels": blurred(2),
    "defocus, 2 pixels": defocused(2),
    "defocus, 4 pixels": defocused(4),
    "shift by 1 %": shifted(0.01),
    "shift by 5 %": shifted(0.05),
}


def train(frames, folder):
    subprocess.run(
        [sys.executable, "-m", "cflowad", "export", "encoder", "--wheel", "efficientnet-lite0", "--input-size", "128"]
        + ["-o", folder / "lite0.h5"],
        check=True, cwd=ROOT / "bindings" / "python", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with cflowad.Trainer(folder / "lite0.h5", input_width=128, input_height=128, calibration_fraction=0) as trainer:
        for frame in frames:
            trainer.add_frame(frame)
        trainer.fit()
        trainer.save(folder / "detector.h5")
    return folder / "detector.h5"


def split(detector, frames, changed, random, folder):
    """Of each change the number of changed frames until it was told, None if it was not; and the frames before it."""
    order = random.permutation(len(frames))
    calibration, line = order[: 2 * len(frames) // 3], order[2 * len(frames) // 3 :]
    with cflowad.Trainer(detector, threads=1) as trainer:
        for index in calibration:
            trainer.add_frame(frames[index], role="calibration")
        trainer.calibrate()
        trainer.save(folder / "split.h5")
    before = len(line) // 2
    found = {}
    with cflowad.Model(folder / "split.h5") as model, model.session(threads=1) as session:
        usual = [session.score(frames[index]).score for index in line]
        for name, images in changed.items():
            scores = usual if images is None else usual[:before] + [session.score(images[i]).score for i in line[before:]]
            watch = cflowad.Watch(model, RATE, seed=int(random.randint(1 << 31)))
            for score in scores:
                watch.add(score)
            found[name] = watch.state.changed_at
    return found, before, len(calibration), len(line)


def measured(folder_of_frames, splits):
    random = np.random.RandomState(0)
    if folder_of_frames is None:
        frames = list(good_cells())
    else:
        paths = sorted(path for path in folder_of_frames.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp"))
        frames = [cflowad.read_image(path) for path in paths]
    trained = set(random.permutation(len(frames))[: 2 * len(frames) // 5].tolist())
    rest = [frame for index, frame in enumerate(frames) if index not in trained]
    changed = {name: change and [change(frame) for frame in rest] for name, change in CHANGES.items()}
    with tempfile.TemporaryDirectory() as name:
        detector = train([frames[index] for index in sorted(trained)], Path(name))
        found = [split(detector, rest, changed, random, Path(name)) for _ in range(splits)]
    _, before, calibrated, watched = found[0]
    print(f"{splits} splits: {len(trained)} frames to train, {calibrated} to calibrate, {watched} on the line, changed after {before}")
    print("| change | told in | changed frames until then: median, most |\n|---|---|---|")
    for name in CHANGES:
        told = [one[name] for one, *_ in found]
        delays = [at - before for at in told if at is not None and at > before]
        early = sum(at is not None and at <= before for at in told)
        if name == "none":
            print(f"| none | {sum(at is not None for at in told)} of {splits} | |")
            continue
        times = f"{np.median(delays):.0f}, {max(delays)}" if delays else "-"
        print(f"| {name} | {len(delays)} of {splits}{f' ({early} before it)' if early else ''} | {times} |")


class Lines:
    """Many simulated lines at once: who watches them, by the watch's p-values and by frames' own, and when a change was told."""

    def __init__(self, random, calibration):
        runs, calibrated = calibration.shape
        self._random, self._calibration = random, np.sort(calibration, 1)
        self._counts = np.zeros((runs, calibrated + 1))
        self._capitals = [np.zeros((6, runs)) for _ in range(2)]
        self._frame = 0
        #: Of each kind of p-values, the numbers of the frames at which a change was told; 0: it was not.
        self.told = [np.zeros(runs, int) for _ in range(2)]

    def add(self, scores):
        runs, gaps = self._counts.shape
        self._frame += 1
        every = np.arange(runs)
        gap = (self._calibration < scores[:, None]).sum(1)
        smoothing = self._random.random(runs)
        weights = 1 + self._counts
        above = weights[:, ::-1].cumsum(1)[:, ::-1][every, gap] - weights[every, gap]
        p_values = (
            (above + smoothing * weights[every, gap]) / (gaps - 1 + self._frame),
            (gaps - 1 - gap + smoothing) / gaps,
        )
        self._counts[every, gap] += 1
        for kind, p in enumerate(p_values):
            q = 1 - p
            bets = np.stack([1.5 - p, 0.5 + p, 0.5 * p**-0.5, 0.5 * q**-0.5, 0.2 * p**-0.8, 0.2 * q**-0.8])
            placed = 1 / (6 * self._frame * (self._frame + 1))
            self._capitals[kind] = (self._capitals[kind] + placed) * bets
            evidence = self._capitals[kind].sum(0) + 1 / (self._frame + 1)
            self.told[kind][(self.told[kind] == 0) & (evidence >= 1 / RATE)] = self._frame


def simulations():
    random = np.random.default_rng(0)
    print(f"\n500 simulated lines of 2000 frames each; a change is told, at a rate of {100 * RATE:g} %:")
    print("| calibration scores | defective parts | by the watch's p-values | by frames' own |\n|---|---|---|---|")
    for calibrated in (50, 200):
        for defective in (0, 0.01, 0.03, 0.1):
            lines = Lines(random, random.random((500, calibrated)))
            for _ in range(2000):
                lines.add(random.random(500) + 2 * (random.random(500) < defective))
            shares = [f"{100 * (told > 0).mean():.1f} %" for told in lines.told]
            print(f"| {calibrated} | {100 * defective:g} % | {' | '.join(shares)} |", flush=True)

    before, after = 300, 400
    print(f"\n200 simulated lines whose normal scores move after {before} frames, by so many standard deviations:")
    print(f"| calibration scores | moved by | told within {after} frames | after, in half of these |\n|---|---|---|---|")
    for calibrated in (50, 200):
        for moved in (0.5, 1, -1, 2, -2, 5):
            lines = Lines(random, random.normal(size=(200, calibrated)))
            for frame in range(before + after):
                lines.add(random.normal(size=200) + moved * (frame >= before))
            told = lines.told[0]
            delays = told[told > before] - before
            shown = f"{100 * len(delays) / max((told == 0).sum() + len(delays), 1):.0f} %"
            print(f"| {calibrated} | {moved:g} | {shown} | {np.median(delays):.0f} frames |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, help="a folder of good frames of one size, 100 or more")
    parser.add_argument("--splits", type=int, default=40)
    arguments = parser.parse_args()
    measured(arguments.frames, arguments.splits)
    simulations()


if __name__ == "__main__":
    main()
