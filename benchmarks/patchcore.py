"""PatchCore (K. Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022), plainly: the distance to
the nearest of a tenth of all good patches, chosen to cover them."""

import numpy as np
import torch
import torch.nn.functional as F
from padim import heat_map

#: Share of the patches that is kept, and neighbours that the score is weighed by.
CORESET, NEIGHBOURS = 0.1, 9
#: Patches that are compared with the bank at a time.
GROUP = 1024


def patches(levels):
    """Levels [n, h, w, C] as patches [n, h, w, C]: the first two, means over 3 x 3, at the finer grid."""
    maps = [F.avg_pool2d(torch.from_numpy(level).permute(0, 3, 1, 2), 3, 1, 1) for level in levels[:2]]
    maps[1] = F.interpolate(maps[1], maps[0].shape[2:], mode="bilinear", align_corners=False)
    return torch.cat(maps, 1).permute(0, 2, 3, 1)


def coreset(x, count, seed):
    """Rows of x chosen one by one, each the farthest from those before (Sener and Savarese, 2018), exactly.

    A row that is nearer to its own chosen one than half the distance from there to the new one cannot be nearer to the new
    one: it is left out, which most of them are.
    """
    chosen = torch.empty(count, x.shape[1])
    chosen[0] = x[np.random.RandomState(seed).randint(len(x))]
    distance, owner = (x - chosen[0]).norm(dim=1), torch.zeros(len(x), dtype=torch.int64)
    for k in range(1, count):
        chosen[k] = x[int(distance.argmax())]
        to_owners = (chosen[:k] - chosen[k]).norm(dim=1)
        near = torch.nonzero(2 * distance > to_owners[owner])[:, 0]
        found = (x[near] - chosen[k]).norm(dim=1)
        nearer = found < distance[near]
        distance[near[nearer]], owner[near[nearer]] = found[nearer], k
    return chosen


class PatchCore:
    """Fitted to levels [n, h, w, C] of good frames, finest first."""

    def __init__(self, levels, size, seed):
        self.size = size
        x = patches(levels)
        x = x.reshape(-1, x.shape[3]).contiguous()
        self.bank = coreset(x, max(NEIGHBOURS, int(CORESET * len(x))), seed)

    def judge(self, levels):
        """Score and map of a frame's levels [h, w, C]."""
        x = patches([level[None] for level in levels])[0]
        height, width, channels = x.shape
        x = x.reshape(-1, channels)
        found = [torch.cdist(group, self.bank).min(1) for group in x.split(GROUP)]
        distance, nearest = (torch.cat([getattr(part, name) for part in found]) for name in ("values", "indices"))
        worst = int(distance.argmax())
        # The score counts less where the nearest good patch itself has good neighbours that are no nearer: section 3.3.
        around = torch.cdist(self.bank[nearest[worst]][None], self.bank)[0].topk(NEIGHBOURS, largest=False).indices
        to_them = torch.cdist(x[worst][None], self.bank[around])[0]
        weight = 1 - torch.softmax(to_them, 0)[0]
        return float(weight * distance[worst]), heat_map(distance.reshape(height, width), self.size)
