"""PaDiM (T. Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization", ICPR
2020 workshops, 2021), plainly: a Gaussian per position over random channels of all levels."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

CHANNELS, RIDGE, SIGMA = 100, 0.01, 4
#: Positions whose covariances are factorised together: bounds memory.
GROUP = 64


def at_the_finest(levels):
    """Levels [n, h, w, C] joined at the grid of the first: coarser ones are repeated."""
    height, width = levels[0].shape[1:3]
    maps = [F.interpolate(torch.from_numpy(level).permute(0, 3, 1, 2), (height, width)) for level in levels]
    return torch.cat(maps, 1).permute(0, 2, 3, 1)


def heat_map(values, size):
    """Scores [h, w] as a smooth map of the input's size."""
    values = F.interpolate(values[None, None], (size, size), mode="bilinear", align_corners=False)[0, 0]
    return gaussian_filter(values.numpy(), SIGMA)


def whitening(covariances):
    """Of each [C, C] the matrix W with W^T W its inverse: |W (x - mean)| is the Mahalanobis distance."""
    factor = torch.linalg.cholesky(covariances)
    return torch.linalg.solve_triangular(factor, torch.eye(factor.shape[1]).expand_as(factor), upper=False)


class PaDiM:
    """Fitted to levels [n, h, w, C] of good frames, finest first."""

    def __init__(self, levels, size, seed):
        self.size = size
        joined = at_the_finest(levels)
        count, height, width, channels = joined.shape
        chosen = np.random.RandomState(seed).permutation(channels)[:CHANNELS]
        self.chosen = torch.from_numpy(np.sort(chosen))
        x = joined[..., self.chosen].reshape(count, height * width, -1)
        self.mean = x.mean(0)
        ridge = RIDGE * torch.eye(x.shape[2])
        self.whitening = torch.cat([
            whitening(d.transpose(1, 2) @ d / (count - 1) + ridge) for d in (x - self.mean).permute(1, 0, 2).split(GROUP)
        ])  # fmt: skip

    def judge(self, levels):
        """Score and map of a frame's levels [h, w, C]: the Mahalanobis distances at every position."""
        x = at_the_finest([level[None] for level in levels])[0, ..., self.chosen]
        height, width, channels = x.shape
        d = (x.reshape(height * width, channels) - self.mean)[..., None]
        distance = (self.whitening @ d)[..., 0].norm(dim=1)
        heat = heat_map(distance.reshape(height, width), self.size)
        return float(heat.max()), heat
