"""Checkpoints as the original cflow-ad writes them, with FrEIA's own blocks."""

import warnings

import FrEIA.framework
import FrEIA.modules
import make_detector
import torch


def subnet(inputs, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, 2 * inputs), torch.nn.ReLU(), torch.nn.Linear(2 * inputs, outputs)
    )


def flow(channels, blocks, condition, soft):
    """A decoder of the original: a sequence of AllInOneBlocks, its trained parts moved off their initial values."""
    inn = FrEIA.framework.SequenceINN(channels)
    for _ in range(blocks):
        inn.append(
            FrEIA.modules.AllInOneBlock,
            **({"cond": 0, "cond_shape": (condition,)} if condition else {}),
            subnet_constructor=subnet,
            affine_clamping=1.9,
            global_affine_type="SOFTPLUS",
            permute_soft=soft,
        )
    with torch.no_grad():
        for block in inn.module_list:
            block.global_scale += 0.5 * torch.randn_like(block.global_scale)
            block.global_offset += 0.1 * torch.randn_like(block.global_offset)
            block.subnet[2].weight *= 4
    return inn.eval()


def flows(architecture, levels=3, blocks=2, condition=16, soft=True, seed=1):
    torch.manual_seed(seed)
    import numpy as np

    np.random.seed(seed)  # FrEIA draws its permutations from numpy and scipy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [flow(c, blocks, condition, soft) for c in make_detector.CHANNELS[architecture][-levels:]]


def log_likelihood(inn, fibers, condition):
    """log p / C of fibers [n, C] by FrEIA."""
    with torch.no_grad():
        c = fibers.shape[1]
        z, log_det = inn(fibers, [condition] if condition is not None else None)
        return (-0.9189385332046727 * c - 0.5 * (z**2).sum(1) + log_det) / c


def encoder(architecture, prefix=""):
    """A complete classifier's state dict: head and batch counters too."""
    state = {prefix + k: torch.from_numpy(v) for k, v in make_detector.encoder_weights(architecture).items()}
    for key in [k for k in state if k.endswith("running_mean")]:
        state[key.replace("running_mean", "num_batches_tracked")] = torch.tensor(7)
    head = "fc" if architecture == "resnet18" else "_fc"
    state[f"{prefix}{head}.weight"], state[f"{prefix}{head}.bias"] = torch.ones(10, 4), torch.ones(10)
    return state


def save(path, architecture, decoders, prefix=""):
    states = [{prefix + k: v for k, v in d.state_dict().items()} for d in decoders]
    torch.save({"encoder_state_dict": encoder(architecture, prefix), "decoder_state_dict": states}, path)
