"""`workbench experts ablate`: what a mixture can no longer do when some of its experts are off."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from workbench.api import FINAL, Ablated, AblationReport, Figures
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import Commands, command, opened, the_dataset, the_model
from workbench.cli.output import jsonable, show, table

__all__ = ["add"]

_EXAMPLES = """\
  workbench experts ablate scenes --model glyph-limoe --off 1.2
  workbench experts ablate scenes -m glyph-limoe --off 1.2 3.5 --mode reroute --json
  workbench experts ablate scenes -m glyph-limoe --off 1.2 --every --limit 500

1.2 is expert 2 of block 1. Beside them stand as many random experts of the same blocks. top1 is
that of the model's newest zero-shot run with the mean of prompts, where it has one; recalls are of
images and their first captions; shifts are the mean of 1 - cosine of vectors before and after. An
ablation is made once and kept; asking again answers at once."""

_FIGURES = ("top1", "image_to_text", "text_to_image", "image_shift", "text_shift")


def add(actions: Commands) -> None:
    """Add the action."""
    sub = command(actions, "ablate", "Switch experts off, and measure what breaks.", _EXAMPLES)
    sub.add_argument("dataset", metavar="DATASET", nargs="?", help="default: the only one")
    _add_question(sub)
    sub.set_defaults(run=run)


def _add_question(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
    parser.add_argument(
        "--off",
        nargs="+",
        type=_expert,
        required=True,
        metavar="BLOCK.EXPERT",
        help="experts to switch off, e.g. 1.2 3.5",
    )
    parser.add_argument(
        "--mode",
        choices=("residual", "reroute"),
        default="residual",
        help="residual (default): the block adds nothing to their tokens; reroute: these go to the "
        "best of the others",
    )
    parser.add_argument(
        "--controls", type=int, default=5, metavar="N", help="draws of random experts; default: 5"
    )
    parser.add_argument("--every", action="store_true", help="also each expert of each block alone")
    parser.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="pairs at most; default: 1000"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    add_waiting(parser)


def _expert(text: str) -> tuple[int, int]:
    layer, _, expert = text.partition(".")
    if not (layer.isdecimal() and expert.isdecimal()):
        raise ArgumentTypeError(f"expected BLOCK.EXPERT such as 1.2, got {text!r}")
    return int(layer), int(expert)


def run(args: Namespace) -> int:
    """Switch off, or take what was kept, and print the figures."""
    with opened(args) as bench:
        dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
        off: dict[int, list[int]] = {}
        for layer, expert in args.off:
            off.setdefault(layer, []).append(expert)
        submitted = bench.submit_ablation(
            dataset,
            model,
            off,
            mode=args.mode,
            controls=args.controls,
            every=args.every,
            limit=args.limit,
            seed=args.seed,
        )
        (job,) = follow(bench, [submitted], args)
        if job.state != "done":
            show(args, {"job": job}, f"job {job.id} is {job.state}: {job.title}")
            return outcome([job], finished=job.state in FINAL)
        found = bench.ablation(job.result["run"])
    show(args, _answer(found), _lines(found))
    return 0


def _answer(found: AblationReport) -> dict[str, Any]:
    head = ("key", "model", "dataset", "mode", "pairs", "images", "zero_shot", "current", "notes")
    answer: dict[str, Any] = {name: jsonable(getattr(found, name)) for name in head}
    answer |= {"off": [list(each) for each in found.off]}
    answer |= {"before": _figures(found.before), "after": _figures(found.after)}
    answer["controls"] = [_figures(each) for each in found.controls]
    answer["singles"] = [_single(each) for each in found.singles]
    return answer


def _figures(figures: Figures) -> dict[str, Any]:
    index = figures.causal_index
    values = {name: getattr(figures, name) for name in _FIGURES}
    off = {"off": [list(each) for each in figures.off]}
    return off | values | {"causal_index": None if math.isnan(index) else index}


def _single(each: Ablated) -> dict[str, Any]:
    loads = {"share_image": each.image_load, "share_text": each.text_load}
    return {"block": each.layer, "expert": each.expert} | loads | _figures(each.figures)


def _lines(found: AblationReport) -> list[str]:
    rows = [_figures(found.before) | {"off": "none"}]
    picks = [(found.after, "")] + [(each, " (random)") for each in found.controls]
    for figures, kind in picks:
        name = ", ".join(f"{layer}.{expert}" for layer, expert in figures.off)
        rows.append(_figures(figures) | {"off": name + kind})
    lines = [
        f"{found.model} on {found.dataset}: {found.label} off, {found.mode}",
        table(rows, ["off", *_FIGURES, "causal_index"]),
    ]
    if found.singles:
        columns = ["block", "expert", "share_image", "share_text", *_FIGURES, "causal_index"]
        lines += ["", "Every expert alone:", table(list(map(_single, found.singles)), columns)]
    return [*lines, f"ablation {found.key}", *found.notes]
