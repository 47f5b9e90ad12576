"""Draws the pictures of docs/pictures, by the commands of docs/first-detector.md: `make pictures`.

    PYTHONPATH=bindings/python python docs/pictures/draw.py

Library and tool are those of build/lib and build/bin, or CFLOWAD_LIBRARY and CFLOWAD_TOOL. Report and live page are photographed by
Chromium where it is installed, and left as they are where it is not.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import cflowad
import h5py
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = os.environ.get("CFLOWAD_TOOL", str(ROOT / "build" / "bin" / "cflowad"))
COLOURS = {"pass": "#1a7f37", "review": "#9a6700", "reject": "#cf222e"}
INK, LINE = "#24292f", "#8c959f"
SHOWN = ["000_good", "004_scratched", "003_good", "009_scratched"]


def font(size):
    return ImageFont.load_default(size)


def save(picture, name):
    picture.convert("RGB").save(HERE / name, optimize=True, quality=85)


def sheet(rows, captions, size, gap=8):
    """Pictures of one size in rows, with a caption and its colour below each column."""
    width, height = size
    columns = len(rows[0])
    whole = Image.new(
        "RGB", (columns * (width + gap) - gap, len(rows) * (height + gap) - gap + (28 if captions else 0)), "white"
    )
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            whole.paste(picture.resize(size, Image.Resampling.LANCZOS), (x * (width + gap), y * (height + gap)))
    draw = ImageDraw.Draw(whole)
    for x, (text, colour) in enumerate(captions):
        draw.text((x * (width + gap) + width / 2, whole.height - 12), text, colour, font(19), anchor="mm")
    return whole


def good_frames(work):
    paths = sorted((work / "frames" / "good").iterdir())[:8]
    pictures = [Image.open(path).convert("RGB") for path in paths]
    save(sheet([pictures[:4], pictures[4:]], [], (240, 180)), "good.jpg")


def features(work):
    """The length of every place's feature vector, level by level."""
    path = work / "frames" / "good" / "000_good.ppm"
    with cflowad.Model(work / "detector.h5") as model, model.session() as session:
        levels = session.score(cflowad.read_image(path), maps=["features"]).features
    pictures = [Image.open(path).convert("RGB")]
    captions = [("the frame", INK)]
    for level in levels:
        length = np.linalg.norm(level, axis=-1)
        shade = 255 * (length - length.min()) / (length.max() - length.min())
        pictures.append(Image.fromarray(shade.astype(np.uint8)).resize((240, 180), Image.Resampling.NEAREST).convert("RGB"))
        captions.append(("{1} x {0} places, {2} features".format(*level.shape), INK))
    save(sheet([pictures], [(text, colour) for text, colour in captions], (240, 180)), "features.png")


def scores(work, lines, calibrated_with, name):
    """Scores along a line: frames of the calibration, those of the line, and the threshold."""
    with h5py.File(work / "detector.h5") as file:
        calibration, threshold = file["calibration/scores"][()], float(file["calibration"].attrs["threshold"])
    groups = [
        (calibrated_with, calibration, LINE),
        ("good frames of the line", [x["score"] for x in lines if "good" in x["file"]], COLOURS["pass"]),
        ("scratched frames of the line", [x["score"] for x in lines if "scratched" in x["file"]], COLOURS["reject"]),
    ]
    low, high = 1.0, 3.0
    whole = Image.new("RGB", (984, 210), "white")
    draw = ImageDraw.Draw(whole)

    def place(score):
        return 250 + (score - low) / (high - low) * 710

    for y, (title, values, colour) in zip((40, 85, 130), groups):
        draw.text((236, y), title, INK, font(17), anchor="rm")
        for value in values:
            x = place(value)
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), outline=colour, width=2)
    draw.line((250, 162, 960, 162), LINE)
    for tick in np.arange(low, high + 0.1, 0.5):
        draw.line((place(tick), 162, place(tick), 168), LINE)
        draw.text((place(tick), 182), f"{tick:g}", INK, font(15), anchor="mm")
    draw.line((place(threshold), 18, place(threshold), 162), INK, 2)
    draw.text((place(threshold), 10), "threshold", INK, font(15), anchor="mm")
    draw.text((605, 200), "score", INK, font(15), anchor="mm")
    save(whole, name)


def result(work, lines):
    judged = {Path(line["file"]).stem: line for line in lines}
    frames = [Image.open(work / "frames" / "line" / f"{name}.ppm").convert("RGB") for name in SHOWN]
    heats = [Image.open(work / "heat" / f"{name}.ppm.png").convert("RGB") for name in SHOWN]
    captions = [
        (f"{judged[name]['verdict']}, score {judged[name]['score']:.2f}", COLOURS[judged[name]["verdict"]])
        for name in SHOWN
    ]
    save(sheet([frames, heats], captions, (240, 180)), "result.jpg")


def photograph(work, address, size, name):
    """A page as Chromium shows it."""
    chromium = shutil.which("chromium")
    if not chromium:
        print(f"{name} stays as it is: chromium is not installed")
        return
    shot = work / "shot.png"
    flags = ["--headless=new", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={work / 'chromium'}"]
    subprocess.run(
        [chromium, *flags, f"--window-size={size}", "--timeout=3000", f"--screenshot={shot}", address],
        check=True, capture_output=True, timeout=120,
    )
    save(Image.open(shot), name)


def live_page(work):
    """The page of the line, with a threshold that would reject more."""
    command = [TOOL, "serve", "detector.h5", "frames/line", "--port", "0"]
    with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            for _ in range(600):
                if urllib.request.urlopen(address).read().count(b'<figure class="card') == 20:
                    break
                time.sleep(0.1)
            photograph(work, f"{address}?threshold=1.6", "1280,860", "serve.jpg")
        finally:
            server.send_signal(signal.SIGINT)


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)

        def run(*command):
            return subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout

        run(sys.executable, str(ROOT / "examples" / "make_frames.py"), "frames", "2")
        run(sys.executable, "-m", "cflowad", "export", "encoder", "--wheel", "efficientnet-lite0", "-o", "encoder.h5")
        run(TOOL, "train", "encoder.h5", "frames/good", "-o", "detector.h5")
        printed = run(TOOL, "score", "detector.h5", "frames/line", "--maps", "heat", "--overlay", "--format", "json")
        lines = [json.loads(line) for line in printed.splitlines()]
        scores(work, lines, "held back from training", "scores.png")
        for path in sorted((work / "frames" / "line").iterdir()):
            kind = work / "test" / path.stem.partition("_")[2]
            kind.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kind)
        run(TOOL, "evaluate", "detector.h5", "--data", "test", "--html", "report.html")
        good_frames(work)
        features(work)
        result(work, lines)
        photograph(work, (work / "report.html").as_uri(), "1000,1100", "report.png")
        run(TOOL, "calibrate", "detector.h5", "frames/again", "-o", "detector.h5", "--false-reject-rate", "0.01")
        lines = [json.loads(line) for line in run(TOOL, "score", "detector.h5", "frames/line", "--format", "json").splitlines()]
        scores(work, lines, "calibrated with", "scores-again.png")
        live_page(work)


if __name__ == "__main__":
    main()
