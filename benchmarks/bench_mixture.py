"""A block with experts against its dense twin, forward and backward.

Both pass T tokens of width d through MLPs of width 4 d; the mixture has E experts of which each
token passes one, so the arithmetic per token is the same but for the router. Timed in turns, one
after the other, so that other work on the machine falls on both; the figures are medians. Also
the plain definition, every token through every expert under a mask, which costs E times as much.

    python benchmarks/bench_mixture.py [--tokens T] [--width D] [--experts E] [--device cuda]
                                       [--threads N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from workbench.gpu.limoe.mixture import Mixture  # noqa: E402
from workbench.gpu.limoe.routing import Router  # noqa: E402

TURNS = 15


def masked(mixture: Mixture, tokens: Tensor) -> Tensor:
    """Every token through every expert; the gate is zero but for the chosen one."""
    routing = mixture.router(tokens, None)
    total = torch.zeros_like(tokens)
    for expert in range(mixture.router.experts):
        weight = (routing.gates * (routing.experts == expert)).sum(dim=1, keepdim=True)
        total = total + weight * mixture.expert(expert, tokens)
    return total


def timed(compute: Callable[[Tensor], Tensor], tokens: Tensor, backward: bool) -> float:
    cuda = tokens.device.type == "cuda"
    if cuda:
        torch.cuda.synchronize()
    begun = time.perf_counter()
    with torch.set_grad_enabled(backward):
        found = compute(tokens)
        if backward:
            found.sum().backward()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--tokens", type=int, default=9600)
    add("--width", type=int, default=128)
    add("--experts", type=int, default=8)
    add("--device", default="cpu")
    add("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    width, device = options.width, options.device
    dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)).to(
        device
    )
    mixture = Mixture(width, 4 * width, Router(width, options.experts, 1)).to(device)
    with torch.no_grad():
        mixture.router.weight.mul_(50)  # decided, as after training
    tokens = torch.randn(options.tokens, width, device=device, requires_grad=True)
    ways = {
        "dense twin": dense,
        "mixture, no token dropped": lambda x: mixture(x, None)[0],
        "mixture, capacity 1.25": lambda x: mixture(x, 1.25)[0],
        "every token through every expert": lambda x: masked(mixture, x),
    }
    print(
        f"T={options.tokens} d={width} E={options.experts} K=1 on {device}, "
        f"{options.threads} threads; milliseconds, ratio to the dense twin"
    )
    for backward in (False, True):
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(TURNS):
            for name, compute in ways.items():
                times[name].append(timed(compute, tokens, backward))
        least = statistics.median(times["dense twin"])
        for name, each in times.items():
            middle = statistics.median(each)
            what = "forward and backward" if backward else "forward"
            print(f"{what:<22}{name:<34}{1000 * middle:9.1f}  {middle / least:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
