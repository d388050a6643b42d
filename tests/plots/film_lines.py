"""Lines of a training's film, as the training writes them; every figure is told from its step."""

from __future__ import annotations

import json


def step_line(step, layers=2):
    """Losses of a step: the contrastive one is 4 - step / 100, all of them .5 more."""
    terms = ("importance", "load", "z", "local_image", "local_text", "global_image", "global_text")
    line = {"kind": "step", "step": step, "contrastive": 4 - step / 100, "loss": 4.5 - step / 100}
    if layers:
        line |= {name: 0.1 * (nth + 1) for nth, name in enumerate(terms)}
    return line | {"scale": 10.0, "rate": 1.0, "pairs_per_second": 80.0, "kept": [[1, 1]] * layers}


def watch_line(step, layers=(1, 3), experts=4):
    """A look: images always use all experts alike, text only the first one."""
    text = [[64] + [0] * (experts - 1)]
    return {
        "kind": "watch",
        "step": step,
        "layers": list(layers),
        "hard": [[[64] * experts, *text]] * len(layers),
        "soft": [[[64.0] * experts, *text]] * len(layers),
        "local": [[1.2, 0.2 + step / 1000]] * len(layers),
        "kept": [[0.9, 0.8 + step / 1000]] * len(layers),
        "image_to_text": step / 200,
        "text_to_image": step / 400,
        "pairs": 50,
        "images": 64 * experts,
        "texts": 64,
    }


def film_text(steps=100, every=10, layers=(1, 3), experts=4):
    """A whole film: a look before the first step, then losses and a look every so many."""
    lines = [watch_line(0, layers, experts)]
    for step in range(every, steps + 1, every):
        lines += [step_line(step, len(layers)), watch_line(step, layers, experts)]
    return "".join(json.dumps(line) + "\n" for line in lines)
