"""Makes the detector fixture: expected features, log-likelihoods and scores for weights that nobody has to store.

    python Tests/Fixtures/make_detector.py                             # rewrites the folder detector
    python Tests/Fixtures/make_detector.py model DETECTOR_CASE OUT.h5  # writes the whole model file of a detector case

The first needs torch, numpy and pillow; the second numpy and h5py only. Everything is computed in double precision by
the plain functional code below, from float32 weights, so that it stands for the exact value.

Generated tensors
-----------------
Encoder weights are megabytes, so both sides of a test make them, by name. For a tensor called NAME (UTF-8):

    hash  = 0xcbf29ce484222325; for each byte of NAME: hash = (hash ^ byte) * 0x100000001b3          FNV-1a, mod 2^64
    z     = hash + (i + 1) * 0x9e3779b97f4a7c15                                              splitmix64, element i
    z     = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
    z     = (z ^ (z >> 27)) * 0x94d049bb133111eb
    z     = z ^ (z >> 31)
    unit(NAME, i) = (z >> 40) / 2^23 - 1                                          exact in float32, from -1 up to 1

with i counting a tensor's elements in row-major order. A tensor's value is a + b * unit in double, rounded to float32:

    what (by the end of the key)              a     b
    convolution weight [O, I, kh, kw]         0     sqrt(6 / (I * kh * kw)) for a key that begins with "_", else
                                                    sqrt(3 / (I * kh * kw)): both keep the features near 1
    bn2.weight (the residual branch's last)   0.5   0.1
    other BatchNorm weight                    1     0.2
    BatchNorm bias, running_mean              0     0.1
    running_var                               1     0.5
    global_scale [1, C]                       10    1
    global_offset [1, C]                      0     0.1
    subnet.0.weight [O, I], subnet.0.bias [O] 0     1 / sqrt(I)
    subnet.2.weight [O, I], subnet.2.bias [O] 0     4 / sqrt(I)

Subnets: I = n1 + P for subnet.0 and 2 (n1 + P) for subnet.2, n1 = C - C / 2 (integer division), P the condition's
length.
w_perm, hard: the indices 0 ..< C in the order of ascending unit(NAME, index); y[i] = u[w_perm[i]].
w_perm, soft: a rotation, made in double and rounded to float32: W = identity; then four times, r = 0 ... 3:
v[j] = unit(NAME + ".r", j), e.g. "flow/a/module_list.0.w_perm.2"; d = sum v[j] v[j]; for every row i:
p = sum W[i, j] v[j]; W[i, j] = W[i, j] - (2 p / d) v[j]. Sums run over ascending j. y = W u.

NAME is the state-dict key behind a prefix: "ARCHITECTURE/" for an encoder (both paddings have the same weights),
"flow/CASE/" for a flow case, "detector/CASE/LEVEL/" for a detector's flow of a level. Inputs are generated as well:
"input/HxW" is a network input [3, H, W], value 2 * unit; "flow/CASE/fibers" is [H, W, C], value 1.5 * unit.
A detector's frame "frame/CASE/N" is [h, w, 3] R G B bytes: at row y, column x, channel c
floor(128 + 100 * unit of element ((y / 8) * ceil(w / 8) + x / 8) * 3 + c): coloured squares of 8 x 8 pixels.

index.json and values.bin
-------------------------
values.bin is raw little-endian numbers. Wherever index.json says {"type": "float32" | "float64", "offset": bytes,
"count": n}, that slice of it is meant; offsets are multiples of 8. `stride` k: the slice holds elements 0, k, 2k, ...
of the row-major whole.

    encoders[]   architecture, padding, height, width (of the input), levels[]: height, width, channels, max_abs (of the
                 whole level), stride, values - features in the order [height, width, channels], input "input/HxW"
    flows[]      case, channels, blocks, condition_channels, permutation, clamp, clamp_alpha, height, width,
                 values - log p / C as [height, width]
    detectors[]  case, architecture, padding, width, height (network input), mean, standard_deviation, blocks,
                 condition_channels, permutation, clamp, clamp_alpha, frame_width, frame_height, frames (how many),
                 total, level_maxima[], threshold, levels[]: height, width, channels, and per frame N in results[]:
                 score, map (stride, values of the map at network size), log_likelihoods[] (a slice per level).
                 Frames are resized by Pillow's LANCZOS, columns first. The constants are those of frames
                 0 ..< frames - 1, so that the last one's map may fall below 0; the threshold lies between the scores:
                 both verdicts occur.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

# ------------------------------------------------------------------------------------------------ generated tensors


def unit(name, count):
    """`count` doubles from -1 up to 1, by name; see the top."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    z = np.uint64(h) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def generated(prefix, key, shape):
    """Tensor `key` of this shape as float32."""
    if key.endswith("running_var"):
        a, b = 1, 0.5
    elif len(shape) == 4:
        a, b = 0, math.sqrt((6 if key[0] == "_" else 3) / (shape[1] * shape[2] * shape[3]))
    elif key.endswith("global_scale"):
        a, b = 10, 1
    elif ".subnet." in key:
        raise ValueError("a subnet's bias needs its fan-in: see flow_weights")
    elif key.endswith("bn2.weight"):
        a, b = 0.5, 0.1
    elif key.endswith("weight"):
        a, b = 1, 0.2
    else:
        a, b = 0, 0.1
    return (a + b * unit(prefix + key, math.prod(shape))).astype(np.float32).reshape(shape)


def rotation(name, c):
    w = np.eye(c)
    for r in range(4):
        v = unit(f"{name}.{r}", c)
        # cumsum adds in ascending order, one after the other; sum and dot do not.
        d = np.cumsum(v * v)[-1]
        p = np.cumsum(w * v, axis=1)[:, -1]
        w = w - (2 * p / d)[:, None] * v
    return w.astype(np.float32)


# -------------------------------------------------------------------------------------------------- encoder weights

RESNET18 = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]  # channels in, out, stride; two blocks each
LITE0 = [  # channels in, out, kernel, stride, expansion, blocks; the seventh stage lies behind the last tap
    (32, 16, 3, 1, 1, 1), (16, 24, 3, 2, 6, 2), (24, 40, 5, 2, 6, 2), (40, 80, 3, 2, 6, 3),
    (80, 112, 5, 1, 6, 3), (112, 192, 5, 2, 6, 4),
]  # fmt: skip
TAPS = {
    "resnet18": ["layer2", "layer3", "layer4"],
    "efficientnet_lite0": ["_blocks.4._bn2", "_blocks.10._bn2", "_blocks.14._bn2"],
}


def resnet18_blocks():
    """(prefix, channels in, channels out, stride) of every block."""
    for stage, (i, o, s) in enumerate(RESNET18):
        yield f"layer{stage + 1}.0.", i, o, s
        yield f"layer{stage + 1}.1.", o, o, 1


def lite0_blocks():
    """(prefix, channels in, channels out, kernel, stride, expansion) of every block."""
    n = 0
    for i, o, k, s, e, count in LITE0:
        for b in range(count):
            yield f"_blocks.{n}.", (o if b else i), o, k, (1 if b else s), e
            n += 1


def encoder_shapes(architecture):
    shapes = {}

    def conv(key, *shape):
        shapes[key + ".weight"] = shape

    def bn(key, c):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{key}.{part}"] = (c,)

    if architecture == "resnet18":
        conv("conv1", 64, 3, 7, 7), bn("bn1", 64)
        for p, i, o, s in resnet18_blocks():
            conv(p + "conv1", o, i, 3, 3), bn(p + "bn1", o), conv(p + "conv2", o, o, 3, 3), bn(p + "bn2", o)
            if s != 1 or i != o:
                conv(p + "downsample.0", o, i, 1, 1), bn(p + "downsample.1", o)
    else:
        conv("_conv_stem", 32, 3, 3, 3), bn("_bn0", 32)
        for p, i, o, k, _, e in lite0_blocks():
            if e != 1:
                conv(p + "_expand_conv", i * e, i, 1, 1), bn(p + "_bn0", i * e)
            conv(p + "_depthwise_conv", i * e, 1, k, k), bn(p + "_bn1", i * e)
            conv(p + "_project_conv", o, i * e, 1, 1), bn(p + "_bn2", o)
    return shapes


def encoder_weights(architecture):
    return {k: generated(architecture + "/", k, s) for k, s in encoder_shapes(architecture).items()}


def flow_weights(prefix, c, blocks, condition, permutation):
    d, n2, out = c - c // 2 + condition, c // 2, {}
    for k in range(blocks):
        block = f"module_list.{k}."
        for part in ("global_scale", "global_offset"):
            out[block + part] = generated(prefix, block + part, (1, c))
        for layer, o, i, gain in (("subnet.0", 2 * d, d, 1), ("subnet.2", 2 * n2, 2 * d, 4)):
            for part, shape in ((".weight", (o, i)), (".bias", (o,))):
                key = block + layer + part
                values = gain / math.sqrt(i) * unit(prefix + key, math.prod(shape))
                out[key] = values.astype(np.float32).reshape(shape)
        key = block + "w_perm"
        if permutation == "soft":
            out[key] = rotation(prefix + key, c)
        else:
            out[key] = np.argsort(unit(prefix + key, c), kind="stable").astype(np.int64)
    return out


def frames(case):
    """Frames of a detector case, [h, w, 3] uint8."""
    h, w = case["frame_height"], case["frame_width"]
    gh, gw = -(-h // 8), -(-w // 8)
    out = []
    for n in range(case["frames"]):
        squares = (
            np.floor(128 + 100 * unit(f"frame/{case['case']}/{n}", gh * gw * 3)).astype(np.uint8).reshape(gh, gw, 3)
        )
        out.append(squares.repeat(8, axis=0).repeat(8, axis=1)[:h, :w].copy())
    return out


# ---------------------------------------------------------------------------- the system, in plain functional PyTorch


def features(architecture, padding, weights, x):
    """Feature levels [1, C, h, w], finest first, of a normalized image [1, 3, H, W]."""
    import torch.nn.functional as F

    eps = 1e-5 if architecture == "resnet18" else 1e-3

    def conv(key, x, stride=1):
        w = weights[key + ".weight"]
        k = w.shape[-1]
        if padding == "same":
            pads = []
            for n in (x.shape[3], x.shape[2]):
                total = max((-(-n // stride) - 1) * stride + k - n, 0)
                pads += [total // 2, total - total // 2]
            x = F.pad(x, pads)
        elif k > 1:
            x = F.pad(x, [k // 2] * 4, mode="reflect" if padding == "reflect" else "constant")
        return F.conv2d(x, w, stride=stride, groups=x.shape[1] // w.shape[1])

    def bn(key, x):
        mean, var, scale, shift = (weights[f"{key}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, scale, shift, eps=eps)

    levels = []
    if architecture == "resnet18":
        x = F.max_pool2d(F.relu(bn("bn1", conv("conv1", x, 2))), 3, 2, 1)
        for p, i, o, s in resnet18_blocks():
            y = F.relu(bn(p + "bn1", conv(p + "conv1", x, s)))
            y = bn(p + "bn2", conv(p + "conv2", y))
            x = F.relu(y + (bn(p + "downsample.1", conv(p + "downsample.0", x, s)) if s != 1 or i != o else x))
            if p in ("layer2.1.", "layer3.1.", "layer4.1."):
                levels.append(x)
    else:
        x = F.relu6(bn("_bn0", conv("_conv_stem", x, 2)))
        for p, i, o, _, s, e in lite0_blocks():
            y = F.relu6(bn(p + "_bn0", conv(p + "_expand_conv", x))) if e != 1 else x
            y = F.relu6(bn(p + "_bn1", conv(p + "_depthwise_conv", y, s)))
            y = bn(p + "_bn2", conv(p + "_project_conv", y))
            if p + "_bn2" in TAPS[architecture]:
                levels.append(y)
            x = x + y if s == 1 and i == o else y
    return levels


def positional_encoding(h, w, channels):
    """Conditions [h, w, channels]; sin and cos of the column, then the row, in float32 as the original."""
    import torch

    if channels == 0:
        return torch.zeros(h, w, 0).double()
    d = channels // 2
    f = torch.exp(torch.arange(0.0, d, 2) * -(math.log(1e4) / d))
    out = torch.zeros(h, w, channels)
    for start, positions in ((0, torch.arange(0.0, w)[None, :]), (d, torch.arange(0.0, h)[:, None])):
        angle = (positions[..., None] * f).expand(h, w, -1)
        out[..., start : start + d : 2], out[..., start + 1 : start + d : 2] = torch.sin(angle), torch.cos(angle)
    return out.double()


def log_likelihood(case, weights, fibers):
    """log p / C, [h, w], of fibers [h, w, C]."""
    import torch
    import torch.nn.functional as F

    h, w, c = fibers.shape
    x = fibers.reshape(h * w, c)
    condition = positional_encoding(h, w, case["condition_channels"]).flatten(0, 1)
    n1, n2, alpha = c - c // 2, c // 2, case["clamp_alpha"]
    log_det = 0
    for k in range(case["blocks"]):
        scale, offset, w_perm, w0, b0, w2, b2 = (
            weights[f"module_list.{k}.{p}"]
            for p in ("global_scale", "global_offset", "w_perm", "subnet.0.weight", "subnet.0.bias",
                      "subnet.2.weight", "subnet.2.bias")
        )  # fmt: skip
        a = 0.1 * F.linear(F.relu(F.linear(torch.cat([x[:, :n1], condition], 1), w0, b0)), w2, b2)
        s = a[:, :n2]
        j = alpha * torch.tanh(s if case["clamp"] == "alpha*tanh(s)" else s / alpha)
        x = torch.cat([x[:, :n1], x[:, n1:] * torch.exp(j) + a[:, n2:]], 1)
        g = 0.1 * F.softplus(scale, beta=0.5, threshold=20)
        x = x * g + offset
        x = x[:, w_perm] if case["permutation"] == "hard" else x @ w_perm.T
        log_det = log_det + j.sum(1) + torch.log(g).sum()
    value = -0.5 * c * math.log(2 * math.pi) - 0.5 * (x * x).sum(1) + log_det
    return (value / c).reshape(h, w)


def tensors(weights):
    """float32 arrays as double tensors, indices as they are."""
    import torch

    return {
        k: torch.from_numpy(v).double() if v.dtype == np.float32 else torch.from_numpy(v) for k, v in weights.items()
    }


# ------------------------------------------------------------------------------------------------------------- cases


def flow_case(name, channels, blocks, condition, permutation, clamp, alpha=1.9, height=3, width=5):
    return {
        "case": name, "channels": channels, "blocks": blocks, "condition_channels": condition,
        "permutation": permutation, "clamp": clamp, "clamp_alpha": alpha, "height": height, "width": width,
    }  # fmt: skip


OLD, NEW = "alpha*tanh(s)", "alpha*tanh(s/alpha)"
FLOWS = [
    flow_case("c2_soft", 2, 2, 4, "soft", OLD),
    flow_case("c2_hard_unconditional", 2, 3, 0, "hard", NEW),
    flow_case("c3_soft_unconditional", 3, 2, 0, "soft", OLD),
    flow_case("c3_hard", 3, 8, 8, "hard", OLD),
    flow_case("c5_soft", 5, 4, 12, "soft", NEW, alpha=1.2, height=9, width=2),
    flow_case("c5_hard", 5, 5, 128, "hard", NEW, height=1, width=1),
    flow_case("c40_soft", 40, 8, 128, "soft", OLD, height=8, width=8),
    flow_case("c40_hard", 40, 8, 128, "hard", OLD, height=7, width=12),
    flow_case("c40_soft_new", 40, 6, 64, "soft", NEW, alpha=3.0),
    flow_case("c112_soft", 112, 4, 128, "soft", OLD, height=5, width=7),
    flow_case("c112_hard_unconditional", 112, 2, 0, "hard", NEW, height=5, width=7),
]
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
LITE = ([127 / 255] * 3, [128 / 255] * 3)


def detector_case(name, architecture, padding, width, height, normalization, flow, frame_width, frame_height):
    return {
        "case": name, "architecture": architecture, "padding": padding, "width": width, "height": height,
        "mean": [float(np.float32(v)) for v in normalization[0]],
        "standard_deviation": [float(np.float32(v)) for v in normalization[1]],
        **flow, "frame_width": frame_width, "frame_height": frame_height, "frames": 4,
    }  # fmt: skip


def flow_settings(blocks, condition, permutation, clamp, alpha=1.9):
    return {
        "blocks": blocks, "condition_channels": condition, "permutation": permutation, "clamp": clamp,
        "clamp_alpha": alpha,
    }  # fmt: skip


DETECTORS = [
    detector_case("lite0", "efficientnet_lite0", "same", 128, 128, LITE, flow_settings(2, 32, "soft", OLD), 160, 120),
    detector_case(
        "resnet18_reflect", "resnet18", "reflect", 160, 96, IMAGENET, flow_settings(2, 16, "hard", NEW), 77, 131
    ),
    detector_case("resnet18_zeros", "resnet18", "zeros", 96, 96, IMAGENET, flow_settings(2, 0, "hard", OLD), 96, 96),
]
CHANNELS = {"resnet18": [128, 256, 512], "efficientnet_lite0": [40, 112, 192]}


def detector_flows(case):
    return [
        flow_weights(
            f"detector/{case['case']}/{level}/", c, case["blocks"], case["condition_channels"], case["permutation"]
        )
        for level, c in enumerate(CHANNELS[case["architecture"]])
    ]


# ------------------------------------------------------------------------------------------------------- the fixture


class Values:
    def __init__(self):
        self.bytes = bytearray()

    def add(self, array, kind):
        data = np.ascontiguousarray(array, "<f4" if kind == "float32" else "<f8").ravel()
        entry = {"type": kind, "offset": len(self.bytes), "count": data.size}
        self.bytes += data.tobytes() + b"\0" * (-data.nbytes % 8)
        return entry

    def sample(self, array, limit):
        """At most `limit` values with a stride that meets all channels, columns and rows."""
        stride = max(-(-array.size // limit), 1)
        while any(math.gcd(stride, side) != 1 for side in array.shape):
            stride += 1
        return {"stride": stride, "values": self.add(array.ravel()[::stride], "float32")}


def encoder_entry(values, architecture, padding, height, width):
    import torch

    x = torch.from_numpy(2 * unit(f"input/{height}x{width}", 3 * height * width)).reshape(1, 3, height, width)
    levels = []
    for level in features(architecture, padding, tensors(encoder_weights(architecture)), x):
        array = level[0].permute(1, 2, 0).contiguous().numpy()
        h, w, c = array.shape
        levels.append(
            {
                "height": h,
                "width": w,
                "channels": c,
                "max_abs": float(np.abs(array).max()),
                **values.sample(array, 1500),
            }
        )
    return {"architecture": architecture, "padding": padding, "height": height, "width": width, "levels": levels}


def flow_entry(values, case):
    import torch

    c, h, w = case["channels"], case["height"], case["width"]
    prefix = f"flow/{case['case']}/"
    weights = tensors(flow_weights(prefix, c, case["blocks"], case["condition_channels"], case["permutation"]))
    fibers = torch.from_numpy(1.5 * unit(prefix + "fibers", h * w * c)).reshape(h, w, c)
    return {**case, "values": values.add(log_likelihood(case, weights, fibers).numpy(), "float64")}


def detector_entry(values, case):
    import torch
    import torch.nn.functional as F
    from PIL import Image

    encoder, flows = tensors(encoder_weights(case["architecture"])), [tensors(f) for f in detector_flows(case)]
    mean, deviation = torch.tensor(case["mean"]).double(), torch.tensor(case["standard_deviation"]).double()
    size = (case["width"], case["height"])
    all_maps = []
    for frame in frames(case):
        image = Image.fromarray(frame)
        # Columns first, then rows, as every Pillow did until 13 chose the order by the shape.
        for step in ((size[0], image.height), size):
            image = image if image.size == step else image.resize(step, Image.Resampling.LANCZOS)
        x = (torch.from_numpy(np.asarray(image).copy()).double() / 255 - mean) / deviation
        levels = features(case["architecture"], case["padding"], encoder, x.permute(2, 0, 1)[None])
        all_maps.append([log_likelihood(case, w, level[0].permute(1, 2, 0)) for level, w in zip(levels, flows)])
    good = all_maps[:-1]
    maxima = [max(float(maps[level].max()) for maps in good) for level in range(len(flows))]

    def likelihood_sum(maps):
        q = [torch.exp(m - top)[None, None] for m, top in zip(maps, maxima)]
        return sum(F.interpolate(v, size=size[::-1], mode="bilinear", align_corners=True)[0, 0] for v in q)

    sums = [likelihood_sum(maps) for maps in all_maps]
    total = max(float(s.max()) for s in sums[:-1])
    scores = [float((total - s).max()) for s in sums]
    below, above = sorted(scores)[1:3]
    threshold = float(np.float32((below + above) / 2))
    results = [
        {
            "score": score,
            "map": values.sample((total - s).numpy(), 400),
            "log_likelihoods": [values.add(m.numpy(), "float64") for m in maps],
        }
        for score, s, maps in zip(scores, sums, all_maps)
    ]
    levels = [{"height": m.shape[0], "width": m.shape[1], "channels": c}
              for m, c in zip(all_maps[0], CHANNELS[case["architecture"]])]  # fmt: skip
    return {
        **case,
        "levels": levels,
        "total": total,
        "level_maxima": maxima,
        "threshold": threshold,
        "results": results,
    }


def make(folder):
    values = Values()
    index = {
        "encoders": [
            encoder_entry(values, *what, *size)
            for what in (("efficientnet_lite0", "same"), ("resnet18", "reflect"), ("resnet18", "zeros"))
            for size in ((128, 128), (96, 160))
        ],
        "flows": [flow_entry(values, case) for case in FLOWS],
        "detectors": [detector_entry(values, case) for case in DETECTORS],
    }
    folder.mkdir(exist_ok=True)
    (folder / "values.bin").write_bytes(values.bytes)
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def write_model(name, path, calibrated=True, tiling=None):
    """The whole model file (docs/model-format.md) of a detector case; tiling: width, height and overlap of tiles."""
    import h5py

    folder = Path(__file__).resolve().parent / "detector"
    case = next(d for d in json.loads((folder / "index.json").read_text())["detectors"] if d["case"] == name)

    def write(group, weights):
        for key, value in weights.items():
            group.create_dataset(key, data=value, chunks=value.shape, fletcher32=True)

    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = "cflowad", 2 if tiling else 1
        preprocessing = file.create_group("preprocessing")
        preprocessing.attrs.update(width=case["width"], height=case["height"], resample="lanczos")
        preprocessing.attrs["mean"] = np.array(case["mean"], np.float32)
        preprocessing.attrs["standard_deviation"] = np.array(case["standard_deviation"], np.float32)
        if tiling:
            width, height, overlap = tiling
            file.create_group("tiling").attrs.update(
                tile_width=width, tile_height=height, tile_overlap=overlap, positional_encoding="per tile"
            )
        encoder = file.create_group("encoder")
        encoder.attrs.update(architecture=case["architecture"], padding=case["padding"])
        encoder.attrs["taps"] = np.array(TAPS[case["architecture"]], h5py.string_dtype())
        write(encoder, encoder_weights(case["architecture"]))
        flow = file.create_group("flow")
        for key in ("blocks", "condition_channels", "permutation", "clamp", "clamp_alpha"):
            flow.attrs[key] = case[key]
        for level, weights in enumerate(detector_flows(case)):
            write(flow.create_group(str(level)), weights)
        if calibrated:
            calibration = file.create_group("calibration")
            calibration.attrs["total"] = np.float64(case["total"])
            calibration.attrs["threshold"] = np.float32(case["threshold"])
            calibration["level_maxima"] = np.array(case["level_maxima"], np.float64)
            calibration["scores"] = np.array([r["score"] for r in case["results"][:-1]], np.float32)
        file.create_group("provenance").attrs["source"] = "Tests/Fixtures/make_detector.py"


if __name__ == "__main__":
    if sys.argv[1:2] == ["model"]:
        write_model(*sys.argv[2:4], tiling=[int(number) for number in sys.argv[4:7]])
    else:
        make(Path(__file__).resolve().parent / "detector")
