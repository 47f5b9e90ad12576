"""Makes the fixtures of ImageFilesTests: JPEG, TIFF, BMP, WebP and PNM files, and their pixels as Pillow reads them.

Needs numpy and Pillow. NAME.EXT has its pixels in NAME.EXT.raw: height x width x (1 or 3) bytes, or words of 16 bits, the
low byte first. What Pillow cannot write or read (tiles, 16-bit colour, version 5 headers) is written here by the formats'
specifications.
"""

import io
import itertools
import pathlib
import struct

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "ImageFilesTests" / "Fixtures"
WIDTH, HEIGHT = 23, 17


def picture(channels, seed=1):
    """A smooth picture with an edge and some noise, which every kind of compression has to work for."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(seed).integers(0, 40, (HEIGHT, WIDTH, channels))
    waves = [100 + 60 * np.sin(x / (3 + c) + y / (5 - c)) + 50 * (x > y + 2 * c) for c in range(channels)]
    return np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8).squeeze()


def save(name, image, expected=None, **options):
    """Writes an image by Pillow; its pixels are Pillow's unless given."""
    image.save(FOLDER / name, **options)
    store(name, expected)


def store(name, expected=None):
    if expected is None:
        with Image.open(FOLDER / name) as image:
            expected = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    expected = np.asarray(expected)
    (FOLDER / f"{name}.raw").write_bytes(expected.astype("<u2" if expected.dtype.itemsize > 1 else np.uint8).tobytes())


def make_jpeg():
    gray, color = Image.fromarray(picture(1)), Image.fromarray(picture(3))
    save("gray.jpg", gray, quality=80)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        save(f"ycc-{subsampling.replace(':', '')}.jpg", color, quality=75, subsampling=subsampling)
    save("progressive.jpg", color, quality=60, progressive=True)
    save("rgb.jpg", color, quality=90, keep_rgb=True)
    save("restarts.jpg", color, quality=70, restart_marker_blocks=1)
    save("cmyk.jpg", Image.fromarray(picture(4), "CMYK"), quality=85)
    # Exif says that the camera was turned: the rows stay as they are.
    exif = Image.Exif()
    exif[0x0112] = 6
    save("turned.jpg", color, quality=75, exif=exif)
    # What some cameras write: bytes between segments and before the end, and version numbers that are not known.
    whole = (FOLDER / "gray.jpg").read_bytes()
    table, version = whole.index(b"\xff\xdb"), whole.index(b"JFIF\0") + 5
    for name, data in {
        "extraneous.jpg": whole[:table] + b"\0\0" + whole[table:],
        "extraneous-end.jpg": whole[:-2] + bytes(7) + whole[-2:],
        "jfif3.jpg": whole[:version] + b"\3" + whole[version + 1 :],
    }.items():
        (FOLDER / name).write_bytes(data)
        store(name)


def pages(first, second):
    """Two little-endian TIFF files as the pages of one."""
    def directory(data):
        at = struct.unpack_from("<I", data, 4)[0]
        return at, struct.unpack_from("<H", data, at)[0]

    moved = bytearray(second)
    at, count = directory(second)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from("<HHI", second, entry)
        size = number * {3: 2, 4: 4}[kind]
        if tag == 273:  # offsets of strips
            place = entry + 8 if size <= 4 else struct.unpack_from("<I", second, entry + 8)[0]
            for n in range(number):
                offset = struct.unpack_from("<I", second, place + 4 * n)[0]
                struct.pack_into("<I", moved, place + 4 * n, offset + len(first))
        if size > 4:
            struct.pack_into("<I", moved, entry + 8, struct.unpack_from("<I", second, entry + 8)[0] + len(first))
    both = bytearray(first) + moved
    first_at, first_count = directory(first)
    struct.pack_into("<I", both, first_at + 2 + 12 * first_count, at + len(first))
    return bytes(both)


def tiff(samples, photometric, tile=None, planar=1, extra=None, order="<", orientation=None, subfile=None):
    """An uncompressed TIFF file of height x width x channels samples (TIFF 6.0)."""
    height, width, channels = samples.shape
    bits = samples.dtype.itemsize * 8
    data = samples.astype(samples.dtype.newbyteorder(order))
    planes = [data] if planar == 1 else [data[..., c : c + 1] for c in range(channels)]
    if tile:
        blocks = []
        for plane in planes:
            for y in range(0, height, tile):
                for x in range(0, width, tile):
                    block = np.zeros((tile, tile, plane.shape[2]), data.dtype)
                    part = plane[y : y + tile, x : x + tile]
                    block[: part.shape[0], : part.shape[1]] = part
                    blocks.append(block.tobytes())
    else:
        blocks = [plane[y : y + 5].tobytes() for plane in planes for y in range(0, height, 5)]
    short, long = ("H", 3), ("I", 4)
    entries = [(256, long, [width]), (257, long, [height]), (258, short, [bits] * channels), (259, short, [1])]
    entries += [(262, short, [photometric]), (277, short, [channels]), (284, short, [planar])]
    if orientation:
        entries.append((274, short, [orientation]))
    if subfile:
        entries.append((254, long, [subfile]))
    if extra is not None:
        entries.append((338, short, [extra]))
    offsets, position = [], 8
    for block in blocks:
        offsets.append(position)
        position += len(block)
    sizes = [len(block) for block in blocks]
    if tile:
        entries += [(322, long, [tile]), (323, long, [tile]), (324, long, offsets), (325, long, sizes)]
    else:
        entries += [(273, long, offsets), (278, long, [5]), (279, long, sizes)]
    directory, overflow = b"", b""
    after = position + 2 + 12 * len(entries) + 4
    for tag, (letter, kind), values in sorted(entries):
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(packed) <= 4:
            place = packed.ljust(4, b"\0")
        else:
            place = struct.pack(f"{order}I", after + len(overflow))
            overflow += packed
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, position)
    return head + b"".join(blocks) + struct.pack(f"{order}H", len(entries)) + directory + bytes(4) + overflow


def to_8_bits(samples):
    return ((samples.astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8)


def make_tiff():
    gray, color = Image.fromarray(picture(1)), Image.fromarray(picture(3))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        save(f"gray-{compression}.tif", gray, compression=compression)
        save(f"rgb-{compression}.tif", color, compression=compression)
    save("jpeg.tif", color, compression="jpeg")
    save("palette.tif", color.quantize(16))
    bilevel = gray.convert("1")
    levels = np.asarray(bilevel.convert("L"))
    save("bilevel.tif", bilevel, levels)
    save("group4.tif", bilevel, levels, compression="group4")
    # Colours as they are stored: alpha is dropped.
    color_alpha = picture(4)
    save("rgba.tif", Image.fromarray(color_alpha, "RGBA"), color_alpha[..., :3])
    cmyk = picture(4, 3).astype(int)
    light = (255 - cmyk[..., 3:]) * (255 - cmyk[..., :3]) // 255
    save("cmyk.tif", Image.fromarray(cmyk.astype(np.uint8), "CMYK"), light.astype(np.uint8))

    def write(name, samples, *arguments, expected=None, **options):
        (FOLDER / name).write_bytes(tiff(samples, *arguments, **options))
        kept = samples[..., : 1 if samples.shape[2] < 3 else 3] if expected is None else expected
        store(name, kept)

    gray8 = picture(1)[..., None]
    gray16 = np.random.default_rng(2).integers(0, 65536, (HEIGHT, WIDTH, 1)).astype(np.uint16)
    color16 = np.random.default_rng(3).integers(0, 65536, (HEIGHT, WIDTH, 4)).astype(np.uint16)
    write("gray16.tif", gray16, 1)
    write("gray16-big-endian.tif", gray16, 1, order=">")
    write("gray16-tiles.tif", gray16, 1, tile=16)
    write("gray16-white-is-zero.tif", gray16, 0, expected=65535 - gray16)
    write("gray16-alpha.tif", np.concatenate([gray16, gray16[::-1]], -1), 1, extra=2)
    write("rgb16.tif", color16[..., :3], 2)
    write("rgba16.tif", color16, 2, extra=2)
    write("rgb-planes.tif", picture(3), 2, planar=2)
    write("rgb-tiles.tif", picture(3), 2, tile=16)
    write("rgba-planes.tif", picture(4), 2, planar=2, extra=2)
    write("white-is-zero.tif", gray8, 0, expected=255 - gray8)
    # Rows and columns as they are to be shown (TIFF 6.0, Orientation); the files are as large as all others when shown.
    color, deep = picture(3), color16[..., :3]
    stored = {
        2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    for orientation, store_as in stored.items():
        write(f"orientation{orientation}.tif", store_as(gray8), 1, orientation=orientation, expected=gray8)
        write(f"rgb-orientation{orientation}.tif", store_as(color), 2, orientation=orientation, expected=color)
    write("rgb16-orientation6.tif", np.rot90(deep), 2, orientation=6, expected=deep)
    write("rgb16-planes.tif", deep, 2, planar=2)
    write("rgb16-planes-tiles.tif", deep, 2, planar=2, tile=16)
    # A smaller copy behind the picture is no further page.
    (FOLDER / "thumbnail.tif").write_bytes(pages(tiff(gray8, 1), tiff(gray8[::2, ::2], 1, subfile=1)))
    store("thumbnail.tif", gray8)


def bmp(size, rows, bits, palette=b"", compression=0, masks=b"", top_down=False, width=WIDTH, height=HEIGHT):
    """A BMP file with a header of a version's size."""
    if size == 12:
        header = struct.pack("<IHHHH", size, width, height, 1, bits)
    else:
        signed = -height if top_down else height
        colors = len(palette) // 4
        header = struct.pack("<IiiHHIIiiII", size, width, signed, 1, bits, compression, 0, 0, 0, colors, 0)
        header += masks if size == 40 else masks.ljust(size - 40, b"\0")
    body = b"".join(row + bytes(-len(row) % 4) for row in rows)
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(body), 0, 0, offset) + header + palette + body


def make_bmp():
    gray, color = Image.fromarray(picture(1)), Image.fromarray(picture(3))
    save("gray.bmp", gray)
    save("rgb.bmp", color)
    save("palette.bmp", color.quantize(200))
    bilevel = gray.convert("1")
    save("bilevel.bmp", bilevel, np.asarray(bilevel.convert("L")))
    color_alpha = picture(4)
    save("rgba.bmp", Image.fromarray(color_alpha, "RGBA"), color_alpha[..., :3])

    pixels = picture(3)
    bgr = pixels[..., ::-1]
    bgrx = np.concatenate([bgr, bgr[..., :1]], -1)
    masks = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
    index = (picture(1) >> 4).astype(np.uint8)
    nibbles = [bytes(int(a) << 4 | int(b) for a, b in zip(row[::2], [*row[1::2], 0])) for row in index]
    colors = np.random.default_rng(4).integers(0, 256, (16, 3)).astype(np.uint8)
    palette = np.concatenate([colors[:, ::-1], np.zeros((16, 1), np.uint8)], 1)
    for name, data, expected in [
        ("core.bmp", bmp(12, [r.tobytes() for r in bgr[::-1]], 24), pixels),
        ("top-down.bmp", bmp(40, [r.tobytes() for r in bgr], 24, top_down=True), pixels),
        ("masks.bmp", bmp(40, [r.tobytes() for r in bgrx[::-1]], 32, compression=3, masks=masks), pixels),
        ("version5.bmp", bmp(124, [r.tobytes() for r in bgrx[::-1]], 32, compression=3, masks=masks), pixels),
        ("palette4.bmp", bmp(40, nibbles[::-1], 4, palette.tobytes()), colors[index]),
    ]:
        (FOLDER / name).write_bytes(data)
        store(name, expected)
        store(name)  # Pillow has the last word.
        assert (FOLDER / f"{name}.raw").read_bytes() == np.ascontiguousarray(expected).tobytes(), name


    # 5 and 6 bits a channel, with and without masks, and encoded runs.
    words = (pixels[..., 0].astype("<u2") >> 3) << 11 | (pixels[..., 1].astype("<u2") >> 2) << 5 | pixels[..., 2] >> 3
    fives = (pixels.astype("<u2") >> 3) << np.array([10, 5, 0], "<u2")
    rgb565 = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    grays = np.arange(256, dtype=np.uint8)[:, None].repeat(4, 1).tobytes()
    steps = picture(1) // 40 * 40
    # Behind the runs a jump over 4 rows' and 3 columns' worth of pixels, which stay 0.
    runs = [b"".join(bytes([len(list(g)), v]) for v, g in itertools.groupby(r.tolist())) + b"\0\0" for r in steps[::-1]]
    literal = [bytes([0, WIDTH]) + r.tobytes() + bytes(WIDTH % 2) + b"\0\0" for r in steps[::-1]]
    jumping = [*runs[:5], bytes([0, 2, 3, 4, 9, 200, 0, 1])]
    jumped = np.zeros((HEIGHT, WIDTH), np.uint8)
    jumped[HEIGHT - 5 :] = steps[HEIGHT - 5 :]
    jumped[HEIGHT - 10, 3:12] = 200
    four = [bytes([0, WIDTH]) + row + bytes(len(row) % 2) + b"\0\0" for row in nibbles]
    tens = struct.pack("<III", 0x3FF00000, 0xFFC00, 0x3FF)
    deep = (pixels[..., 0].astype("<u4") << 22) | (pixels[..., 1].astype("<u4") << 12) | (pixels[..., 2].astype("<u4") << 2)
    for name, data, expected in [
        ("rgb565.bmp", bmp(40, [r.tobytes() for r in words[::-1]], 16, compression=3, masks=rgb565), None),
        ("rgb555.bmp", bmp(40, [r.tobytes() for r in fives.sum(2).astype("<u2")[::-1]], 16), None),
        ("rle8.bmp", bmp(40, [], 8, grays, compression=1) + b"".join(runs) + b"\0\1", steps),
        ("rle8-literal.bmp", bmp(40, [], 8, grays, compression=1) + b"".join(literal) + b"\0\1", steps),
        ("rle8-jump.bmp", bmp(40, [], 8, grays, compression=1) + b"".join(jumping), jumped),
        ("rle4.bmp", bmp(40, [], 4, palette.tobytes(), compression=2) + b"".join(four[::-1]) + b"\0\1", colors[index]),
        ("rgb10.bmp", bmp(40, [r.tobytes() for r in deep[::-1]], 32, compression=3, masks=tens), (pixels.astype(int) * 4 * 255 // 1023).astype(np.uint8)),
    ]:
        (FOLDER / name).write_bytes(data)
        store(name, expected)


def saved(kind, **options):
    memory = io.BytesIO()
    Image.fromarray(picture(3)).save(memory, kind, **options)
    return memory.getvalue()


def make_webp():
    color = Image.fromarray(picture(3))
    save("lossy.webp", color, quality=80)
    save("lossless.webp", color, lossless=True)
    alpha = picture(4)
    save("alpha.webp", Image.fromarray(alpha, "RGBA"), alpha[..., :3], lossless=True, exact=True)


def make_pnm():
    gray, color = picture(1), picture(3)
    save("gray.pgm", Image.fromarray(gray))
    save("rgb.ppm", Image.fromarray(color))
    bilevel = Image.fromarray(gray).convert("1")
    levels = np.asarray(bilevel.convert("L"))
    save("bilevel.pbm", bilevel, levels)
    deep = np.random.default_rng(5).integers(0, 4096, (HEIGHT, WIDTH)).astype(int)
    deep16 = np.random.default_rng(6).integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(int)
    small = gray // 16
    head = f"{WIDTH} {HEIGHT}\n"
    text = "\n".join(" ".join(map(str, row)) for row in color.reshape(HEIGHT, -1))
    bits = "\n".join("".join("10"[int(v > 0)] for v in row) for row in levels)
    for name, data, expected in [
        ("text.pgm", f"P2 # a comment\n{head}255\n".encode() + " ".join(map(str, gray.ravel())).encode() + b"\n", gray),
        ("text.ppm", f"P3\n{head}255\n{text}\n".encode(), color),
        ("text.pbm", f"P1\n{head}{bits}\n".encode(), levels),
        ("small.pgm", f"P5\n{head}15\n".encode() + small.tobytes(), small * 17),
        # 4095 is white, as the file says.
        ("gray12.pgm", f"P5\n{head}4095\n".encode() + deep.astype(">u2").tobytes(), ((deep * 65535 + 2047) // 4095).astype(np.uint16)),
        ("rgb16.ppm", f"P6\n# two\n# comments\n{head}65535\n".encode() + deep16.astype(">u2").tobytes(), deep16.astype(np.uint16)),
    ]:
        (FOLDER / name).write_bytes(data)
        store(name, expected)


def make_refused():
    """Files that are whole or damaged, but not read: `refused-KIND-what`."""
    gray8 = picture(1)[..., None]
    rows = [r.tobytes() for r in picture(1)]
    files = {
        "unsupported-float.tif": tiff(gray8.astype(np.float32), 1),
        "unsupported-int32.tif": tiff(gray8.astype(np.uint32), 1),
        "unsupported-pages.tif": pages(tiff(gray8, 1), tiff(gray8[::-1], 1)),
        "unsupported-raw.tif": pages(tiff(gray8, 1, subfile=1), tiff(gray8[::2], 1, subfile=1)),
        "unsupported-jpeg.bmp": bmp(40, rows, 0, compression=4),
        "unsupported-animation.webp": saved("WEBP", save_all=True, append_images=[Image.fromarray(picture(3, 7))]),
        "unsupported-gif.gif": saved("GIF"),
        "unsupported-gif.png": saved("GIF"),
        "unsupported-heif.heic": bytes([0, 0, 0, 24]) + b"ftypheic" + bytes(100),
        "unsupported-two.pgm": f"P5 {WIDTH} {HEIGHT} 255\n".encode() + gray8.tobytes() + b"P5 1 1 255\n0",
        "unsupported-pam.pam": b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n0",
        "format-runs.bmp": bmp(40, [], 8, bytes(1024), compression=1) + bytes([WIDTH + 1, 7, 0, 1]),
        "format-rows.bmp": bmp(40, [], 8, bytes(1024), compression=1) + bytes([0, 0] * HEIGHT + [1, 7, 0, 1]),
        "format-mask.bmp": bmp(40, [bytes(2 * WIDTH)] * HEIGHT, 16, compression=3, masks=struct.pack("<III", 5, 8, 16)),
        "format-short.pgm": f"P5 {WIDTH} {HEIGHT} 255\n".encode() + gray8.tobytes()[:-1],
        "format-zero.pgm": b"P5 0 4 255\n0000",
        "format-white.pgm": b"P5 1 1 65536\n00",
        "format-number.pgm": b"P2 1 1 255\n12345678901234567890123",
        "format-word.pgm": b"P2 1 1 255\nblack",
        "format-riff.webp": b"RIFF\x04\0\0\0WEBPVP8 \0\0\0\0",
        "format-header.bmp": bmp(12, rows, 8)[:14] + struct.pack("<I", 7) + bytes(2000),
        "format-huge.bmp": bmp(40, rows, 8, bytes(1024), width=2**31 - 1, height=2**31 - 1),
        "format-large.bmp": bmp(40, rows, 8, bytes(1024), width=16384, height=16384),
        "format-lowest.bmp": bmp(40, rows, 8, bytes(1024), width=2**31 - 1, height=-(2**31)),
        "format-zero.bmp": bmp(40, rows, 8, bytes(1024), width=0),
        "format-directory.tif": b"II*\0" + struct.pack("<I", 2**31),
        "format-text.png": b"no image at all",
        "format-empty.jpg": b"",
        "format-marker.jpg": b"\xff\xd8\xff",
    }
    huge = bytearray(tiff(gray8, 1))
    at = huge.index(struct.pack("<HHII", 256, 4, 1, WIDTH))
    huge[at + 8 : at + 12] = struct.pack("<I", 2**31 - 1)
    files["format-wide.tif"] = bytes(huge)
    jpeg = bytearray((FOLDER / "ycc-420.jpg").read_bytes())
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    files["format-large.jpg"] = bytes(jpeg)
    # A hole in the picture's data: bytes are left over before a restart marker.
    restarts = (FOLDER / "restarts.jpg").read_bytes()
    marker = restarts.index(b"\xff\xd1")
    files["format-restart.jpg"] = restarts[:marker] + b"\x12\x34\x56\x78" + restarts[marker:]
    for name, data in files.items():
        (FOLDER / f"refused-{name}").write_bytes(data)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    make_jpeg()
    make_tiff()
    make_bmp()
    make_webp()
    make_pnm()
    make_refused()
