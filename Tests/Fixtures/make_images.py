"""Makes the fixtures of ImagingTests, PNGTests and RenderingTests: what Pillow, torch and the PNG specification say.

Needs numpy, Pillow and torch. Pictures that the tests can make themselves (`noise`) are not stored.
"""

import pathlib
import struct
import zlib

import numpy as np
import torch
from PIL import Image

TESTS = pathlib.Path(__file__).resolve().parent.parent


def noise(count, seed, binary=False):
    """Bytes of a linear congruential generator, or 0 and 255 by their highest bit; Support.swift has the same."""
    state, values = seed, bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((255 if state >> 31 else 0) if binary else state >> 24)
    return np.frombuffer(bytes(values), np.uint8)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


# ------------------------------------------------------------------------------------------------ ImagingTests


def lanczos(image, width, height):
    # Horizontally first, as Pillow itself did until version 12 for every size.
    return image.resize((width, image.height), Image.LANCZOS).resize((width, height), Image.LANCZOS)


def make_resized(folder):
    """Files WxH-WxH-channels[-binary].bin: the bytes of the resized image, from noise(.., seed 1)."""
    sizes = [(16, 12), (80, 61), (20, 90), (90, 20), (53, 20), (20, 37), (1, 1), (1, 40), (40, 1), (31, 17)]
    cases = [((53, 37), size, channels, False) for size in sizes for channels in (1, 3)]
    cases += [((53, 37), (24, 60), 3, True), ((53, 37), (70, 20), 1, True), ((300, 200), (32, 32), 3, False)]
    cases += [((1, 37), (8, 8), 3, False), ((53, 1), (16, 16), 3, False), ((1, 1), (5, 4), 3, False)]
    for (w, h), (width, height), channels, binary in cases:
        pixels = noise(w * h * channels, 1, binary).reshape(h, w, channels)
        image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (h, w, 3))))
        resized = np.asarray(lanczos(image, width, height))[..., :channels]
        name = f"{w}x{h}-{width}x{height}-{channels}{'-binary' if binary else ''}.bin"
        (folder / name).write_bytes(resized.tobytes())


def make_rotated(path):
    """Lines: width height degrees hash of the rotated noise(.., seed 2)."""
    angles = [-5, -4.321, -2.3, -0.7, -1e-17, 0, 1e-13, 0.05, 0.7, 1.1, 2.5, 4.9, 5, 12.3, 33.3, 45, 89.9, 90, 90.1]
    angles += [135, 179.99, 180, 180.0000000000001, 222, 270, 314.15, 359.9, 360, 725, -45, -90, -180, -1000.5]
    cases = [(w, h, a) for w, h in ((20, 15), (17, 17), (1, 9)) for a in angles]
    cases += [(40000, 2, 1.5), (2, 40000, -3.25), (33000, 2, 180), (256, 256, 4.3), (256, 256, -4.7)]
    lines = []
    for w, h, degrees in cases:
        image = Image.fromarray(noise(w * h * 3, 2).reshape(h, w, 3))
        lines.append(f"{w} {h} {float(degrees)!r} {fnv1a(image.rotate(degrees).tobytes())}")
    path.write_text("\n".join(lines) + "\n")


def make_normalized(folder):
    """(v / 255 - mean) / std as torch computes it: 3 x 256 float32, little endian."""
    for name, mean, std in [
        ("imagenet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ("lite", [127 / 255] * 3, [128 / 255] * 3),
    ]:
        levels = torch.arange(256, dtype=torch.uint8).to(torch.float32).div(255).expand(3, 256)
        values = (levels - torch.tensor(mean)[:, None]) / torch.tensor(std)[:, None]
        (folder / f"normalized-{name}.bin").write_bytes(values.numpy().astype("<f4").tobytes())


# ---------------------------------------------------------------------------------------------------- PNGTests

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data=b"", crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def header(width, height, depth, color, interlace=0, compression=0, filtering=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, compression, filtering, interlace))


def packed(rows, depth, filters=(0,)):
    """Rows of samples (height x width x channels) as filtered scanlines."""
    out, above = bytearray(), None
    for y, row in enumerate(rows):
        samples = row.reshape(-1)
        if depth == 16:
            line = samples.astype(">u2").tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in samples)
            bits += "0" * (-len(bits) % 8)
            line = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        step = max(1, rows.shape[2] * depth // 8)
        above = above or bytes(len(line))
        left = bytes(step) + line[:-step] if len(line) > step else bytes(len(line))
        corner = bytes(step) + above[:-step] if len(line) > step else bytes(len(line))
        kind = filters[y % len(filters)]

        def predict(a, b, c):
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            return [0, a, b, (a + b) // 2, paeth][kind]

        out.append(kind)
        out += bytes((v - predict(a, b, c)) % 256 for v, a, b, c in zip(line, left, above, corner))
        above = line
    return bytes(out)


def encode(samples, depth, color, interlace=False, before=b"", parts=1):
    height, width, _ = samples.shape
    filters = (0, 1, 2, 3, 4)
    if interlace:
        passes = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        raw = b"".join(packed(p, depth, filters) for p in passes if p.size)
    else:
        raw = packed(samples, depth, filters)
    data = zlib.compress(raw, 9)
    cuts = [len(data) * i // parts for i in range(parts + 1)]
    body = b"".join(chunk(b"IDAT", data[a:b]) for a, b in zip(cuts, cuts[1:]))
    return SIGNATURE + header(width, height, depth, color, int(interlace)) + before + body + chunk(b"IEND")


def palette(depth):
    return noise(3 * 2**depth, 7 + depth).tobytes()


def expected(samples, depth, color):
    """8-bit grey or RGB: alpha and tRNS dropped, 16 bits scaled and rounded."""
    if color == 3:
        return np.frombuffer(palette(depth), np.uint8).reshape(-1, 3)[samples[..., 0]]
    wide = samples[..., : 3 if color & 2 else 1].astype(np.int64)
    return ((wide * 255 * 2 + 2**depth - 1) // (2 * (2**depth - 1))).astype(np.uint8)


def make_png(folder):
    """NAME.png and NAME.raw, its pixels."""
    kinds = [(0, d) for d in (1, 2, 4, 8, 16)] + [(3, d) for d in (1, 2, 4, 8)]
    kinds += [(color, depth) for color in (2, 4, 6) for depth in (8, 16)]
    words = {0: "gray", 2: "rgb", 3: "palette", 4: "grayalpha", 6: "rgba"}

    def save(name, samples, depth, color, **options):
        data = encode(samples, depth, color, **options)
        pixels = expected(samples, depth, color)
        (folder / f"{name}.png").write_bytes(data)
        (folder / f"{name}.raw").write_bytes(pixels.tobytes())
        # Pillow, where it keeps 8 bits, is a second opinion.
        if depth < 16:
            image = Image.open(folder / f"{name}.png").convert("RGB")
            assert (np.asarray(image) == np.broadcast_to(pixels, (*pixels.shape[:2], 3))).all(), name

    for color, depth in kinds:
        count = CHANNELS[color]
        raw = noise(9 * 7 * count * 2, color * 16 + depth).view("<u2").astype(np.int64)
        samples = (raw % 2**depth).reshape(7, 9, count)
        lookup = chunk(b"PLTE", palette(depth)) if color == 3 else b""
        for interlace in (False, True):
            name = f"{words[color]}{depth}{'-interlaced' if interlace else ''}"
            save(name, samples, depth, color, interlace=interlace, before=lookup)
        if color == 3:
            save(f"palette{depth}-trns", samples, depth, 3, before=lookup + chunk(b"tRNS", bytes([0, 128])))
        if color in (0, 2):
            transparent = b"".join(struct.pack(">H", int(v)) for v in samples[0, 0])
            save(f"{words[color]}{depth}-trns", samples, depth, color, before=chunk(b"tRNS", transparent))

    samples = noise(5 * 3 * 3, 3).reshape(3, 5, 3)
    save("rgb8-parts", samples, 8, 2, parts=7)
    bomb = zlib.compress(bytes(2**20), 9)
    extras = chunk(b"gAMA", struct.pack(">I", 10000)) + chunk(b"iCCP", b"x\0\0" + bomb)
    extras += chunk(b"zTXt", b"Comment\0\0" + bomb) * 20 + chunk(b"tEXt", b"Title\0" + b"a" * 100)
    extras += chunk(b"bKGD", bytes(6)) + chunk(b"prVt", bytes(50))
    # Pillow refuses the large text, which is skipped here; so without the second opinion.
    (folder / "rgb8-chunks.png").write_bytes(encode(samples, 8, 2, before=extras))
    (folder / "rgb8-chunks.raw").write_bytes(samples.tobytes())
    save("gray8-1x1", noise(1, 4).reshape(1, 1, 1), 8, 0)
    save("gray8-1x1-interlaced", noise(1, 4).reshape(1, 1, 1), 8, 0, interlace=True)


def make_damaged(folder):
    """Files that are not whole PNG images."""
    samples = noise(9 * 7 * 3, 5).reshape(7, 9, 3)
    good = encode(samples, 8, 2)
    data = zlib.compress(packed(samples, 8), 9)
    body, end = chunk(b"IDAT", data), chunk(b"IEND")
    head = SIGNATURE + header(9, 7, 8, 2)
    gray = SIGNATURE + header(9, 7, 8, 3)
    cases = {
        "empty": b"",
        "one-byte": b"\x89",
        "wrong-signature": b"\x88" + good[1:],
        "jpeg": b"\xff\xd8\xff\xe0" + bytes(60),
        "signature-only": SIGNATURE,
        "cut-in-header": good[:20],
        "cut-after-header": head,
        "cut-in-data": good[: len(good) // 2],
        "cut-before-end": head + body,
        "cut-in-end": good[:-2],
        "header-crc": SIGNATURE + good[8:29] + bytes(4) + good[33:],
        "data-crc": head + chunk(b"IDAT", data, crc=1) + end,
        "zero-width": SIGNATURE + header(0, 7, 8, 2) + body + end,
        "zero-height": SIGNATURE + header(9, 0, 8, 2) + body + end,
        "too-wide": SIGNATURE + header(65536, 1, 8, 2) + body + end,
        "too-tall": SIGNATURE + header(1, 65536, 8, 2) + body + end,
        "too-many-pixels": SIGNATURE + header(65535, 65535, 1, 0) + body + end,
        "huge-claim": SIGNATURE + header(16384, 16384, 16, 6) + body + end,
        "largest-size": SIGNATURE + header(2**31 - 1, 2**31 - 1, 8, 2) + body + end,
        "negative-size": SIGNATURE + header(2**32 - 1, 2**32 - 1, 8, 2) + body + end,
        "depth-3": SIGNATURE + header(9, 7, 3, 0) + body + end,
        "rgb-depth-4": SIGNATURE + header(9, 7, 4, 2) + body + end,
        "color-type-5": SIGNATURE + header(9, 7, 8, 5) + body + end,
        "interlace-2": SIGNATURE + header(9, 7, 8, 2, interlace=2) + body + end,
        "compression-1": SIGNATURE + header(9, 7, 8, 2, compression=1) + body + end,
        "filter-method-1": SIGNATURE + header(9, 7, 8, 2, filtering=1) + body + end,
        "no-header": SIGNATURE + body + end,
        "short-header": SIGNATURE + chunk(b"IHDR", bytes(12)) + body + end,
        "no-data": head + end,
        "empty-data": head + chunk(b"IDAT") + end,
        "no-palette": gray + body + end,
        "palette-of-4-bytes": gray + chunk(b"PLTE", bytes(4)) + body + end,
        "palette-too-long": gray + chunk(b"PLTE", bytes(3 * 257)) + body + end,
        "not-deflated": head + chunk(b"IDAT", bytes(200)) + end,
        "too-few-rows": head + chunk(b"IDAT", zlib.compress(packed(samples[:5], 8), 9)) + end,
        "row-filter-9": head + chunk(b"IDAT", zlib.compress(b"\x09" + packed(samples, 8)[1:], 9)) + end,
        "chunk-length-2g": head + struct.pack(">I", 2**31 - 1) + b"IDAT" + data,
        "chunk-length-4g": head + struct.pack(">I", 2**32 - 1) + b"IDAT" + data,
        "text-length-2g": head + struct.pack(">I", 2**31 - 1) + b"tEXt" + data,
        "unknown-critical": head + chunk(b"ABCD", bytes(4)) + body + end,
        "chunk-name-digits": head + chunk(b"1234", bytes(4)) + body + end,
        "zeros": bytes(300),
    }
    for name, content in cases.items():
        (folder / f"{name}.png").write_bytes(content)


# ---------------------------------------------------------------------------------------------- RenderingTests


def make_inferno(path):
    """matplotlib's inferno, 256 x RGB8; kept when matplotlib is not there."""
    try:
        from matplotlib import colormaps
    except ImportError:
        return
    path.write_bytes((np.array(colormaps["inferno"].colors) * 255).round().astype(np.uint8).tobytes())


def fresh(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder


if __name__ == "__main__":
    imaging = TESTS / "ImagingTests" / "Fixtures"
    make_resized(fresh(imaging / "resized"))
    make_rotated(imaging / "rotated.txt")
    make_normalized(imaging)
    png = TESTS / "PNGTests" / "Fixtures"
    make_png(fresh(png / "images"))
    make_damaged(fresh(png / "damaged"))
    make_inferno(TESTS / "RenderingTests" / "Fixtures" / "inferno.bin")
