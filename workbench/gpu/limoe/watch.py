"""What is seen of a training on held-out pairs: routing by modality, and retrieval."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from workbench.gpu.limoe.losses import local_entropy
from workbench.gpu.limoe.model import IMAGE, TEXT, Limoe, Routed

__all__ = ["GROUP", "kept_shares", "watch"]

GROUP = 128
"""Pairs of a group, among which tokens compete for room."""


@torch.no_grad()
def watch(model: Limoe, pixels: Tensor, tokens: Tensor) -> dict[str, Any]:
    """Routing of held-out pairs at the training's capacity, and recall@1 among them.

    Without noise in the routers. Layers are averaged over groups of ``GROUP`` pairs.

    Args:
        model: is put into evaluation mode, and back.
        pixels: float32 (n, 3, H, W).
        tokens: int64 (n, context length).

    Returns:
        ``layers``; per layer and modality ``hard`` (first choices an expert, kept or not), ``soft``
        (probability mass an expert), ``local`` (mean natural entropy of a token), ``kept`` (share);
        ``image_to_text`` and ``text_to_image`` (recall@1 of 1 in n), ``pairs``, ``images`` and
        ``texts`` (tokens).
    """
    training = model.training
    model.eval()
    images, texts, groups = [], [], []
    for start in range(0, len(pixels), GROUP):
        part = slice(start, start + GROUP)
        image, text, routed = model(pixels[part], tokens[part], model.config.capacity_factor)
        images.append(image)
        texts.append(text)
        groups.append(routed)
    model.train(training)
    layers = [_layer(list(same)) for same in zip(*groups, strict=True)]
    names = ("hard", "soft", "local", "kept")
    found: dict[str, Any] = {name: [layer[name] for layer in layers] for name in names}
    sizes = [[_tokens(each, side) for side in (IMAGE, TEXT)] for each in _first(groups)]
    found |= {"layers": [each.layer for each in groups[0]], "pairs": len(pixels)}
    found |= dict(zip(("images", "texts"), map(sum, zip(*sizes, strict=True)), strict=False))
    sim = torch.cat(images) @ torch.cat(texts).T
    right = torch.arange(len(sim), device=sim.device)
    found["image_to_text"] = float((sim.argmax(dim=1) == right).float().mean())
    found["text_to_image"] = float((sim.argmax(dim=0) == right).float().mean())
    return found


def _first(groups: list[list[Routed]]) -> list[Routed]:
    return [group[0] for group in groups if group]


def _tokens(each: Routed, side: int) -> int:
    return int((each.modality == side).sum())


def _layer(parts: list[Routed]) -> dict[str, Any]:
    """One layer's figures over all groups."""
    modality = torch.cat([each.modality for each in parts])
    probs = torch.cat([each.routing.probs for each in parts])
    first = torch.cat([each.routing.experts[:, 0] for each in parts])
    experts = probs.shape[1]
    sides = [modality == side for side in (IMAGE, TEXT)]
    return {
        "hard": [torch.bincount(first[side], minlength=experts).tolist() for side in sides],
        "soft": [[round(float(v), 2) for v in probs[side].sum(dim=0)] for side in sides],
        "local": [round(float(local_entropy(probs[side])), 4) for side in sides],
        "kept": kept_shares(parts),
    }


def kept_shares(parts: list[Routed]) -> list[float]:
    """Share of the choices of image and of text tokens that found room, 0 to 1; 1 for no token."""
    modality = torch.cat([each.modality for each in parts])
    kept = torch.cat([each.routing.kept for each in parts]).float()
    shares = []
    for side in (IMAGE, TEXT):
        mine = kept[modality == side]
        shares.append(round(float(mine.mean()), 4) if len(mine) else 1.0)
    return shares
