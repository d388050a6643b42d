"""`workbench experts`: what the routers of a mixture of experts decide, recorded and summed up."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from typing import Any

from workbench.api import FINAL, Recording, Workbench
from workbench.cli import ablate
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import (
    Commands,
    add_where,
    command,
    group,
    opened,
    the_dataset,
    the_model,
)
from workbench.cli.options import where as conditions
from workbench.cli.output import jsonable, say, show, table
from workbench.cli.preparing import prepare
from workbench.errors import InputError
from workbench.experts.summary import LayerSummary, summarise
from workbench.types import JobInfo

__all__ = ["add"]

_EXAMPLES = """\
  workbench experts record scenes --model glyph-limoe
  workbench experts summary --model glyph-limoe --dataset scenes --json
  workbench experts ablate scenes --model glyph-limoe --off 1.2"""
_RECORD = """\
  workbench experts record scenes --model glyph-limoe
  workbench experts record scenes --model glyph-limoe --capacity none --limit 500 --json
  workbench experts record test -m glyph-limoe --modalities image --where style=noto

A recording is made once and kept; asking again answers at once."""
_SUMMARY = """\
  workbench experts summary --model glyph-limoe --dataset scenes
  workbench experts summary -m glyph-limoe-classic -d scenes --json
  workbench experts summary --recording KEY --json

jsd_bits: Jensen-Shannon divergence of p(expert | image) and p(expert | text), 0 where both are
routed alike, 1 where they share no expert; nmi: the share of the modality's entropy that a token's
expert tells, which depends on how many tokens are text. Both rest on choices, kept or dropped.
Entropies are natural: local of a token's routing, global of the average routing."""

_COLUMNS = (
    "block",
    "jsd_bits",
    "low",
    "high",
    "chance",
    "nmi",
    "text_share",
    "experts_image",
    "experts_text",
    "dead",
)
_DECIDED = (
    "block",
    "dropped_image",
    "dropped_text",
    "local_image",
    "local_text",
    "global_image",
    "global_text",
)


def add(commands: Commands) -> None:
    """Add the command and its actions."""
    _, actions = group(
        commands, "experts", "Look into the routing of a mixture of experts.", _EXAMPLES
    )
    actions.required = True
    sub = command(
        actions, "record", "Record which experts each token of a dataset goes to.", _RECORD
    )
    sub.add_argument("dataset", metavar="DATASET", nargs="?", help="default: the only one")
    _add_question(sub)
    sub.set_defaults(run=run_record)
    sub = command(
        actions,
        "summary",
        "Sum up how image and text share the experts; records first where needed.",
        _SUMMARY,
    )
    sub.add_argument("-d", "--dataset", metavar="NAME", help="default: the only one")
    sub.add_argument("--recording", metavar="KEY", help="this one, whatever it was asked")
    _add_question(sub)
    sub.set_defaults(run=run_summary)
    ablate.add(actions)


def _add_question(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
    parser.add_argument(
        "--modalities",
        choices=("both", "image", "text"),
        default="both",
        help="what goes through the model: images, first captions, or both together (default)",
    )
    parser.add_argument(
        "--capacity",
        metavar="FACTOR",
        type=_capacity,
        default="own",
        help="room of an expert, as a factor of its even share; 'own' (default): as in training; "
        "'none': nothing is dropped",
    )
    parser.add_argument(
        "--batch", type=int, default=64, metavar="N", help="items that compete; default: 64"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="items at most, drawn by lot")
    parser.add_argument("--seed", type=int, default=0, help="of which items go together")
    add_where(parser)
    add_waiting(parser)


def _capacity(text: str) -> float | str | None:
    """``own``, None for ``none``, or a factor."""
    if text in ("own", "none"):
        return None if text == "none" else text
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"expected own, none or a number, got {text!r}") from None


def run_record(args: Namespace) -> int:
    """Record (or take the kept recording) and print what was recorded."""
    with opened(args) as bench:
        found = _recorded(bench, args)
        if not isinstance(found, Recording):
            return _unfinished(args, found)
    show(args, found, _recording_lines(found))
    return 0


def run_summary(args: Namespace) -> int:
    """Print the figures of each layer, of a recording that is made first where there is none."""
    with opened(args) as bench:
        found = bench.recording(args.recording) if args.recording else _recorded(bench, args)
        if not isinstance(found, Recording):
            return _unfinished(args, found)
        layers = summarise(bench.recorded(found.key))
    for text in _remarks(found):
        say(text)
    show(args, _answer(found, layers), _summary_lines(found, layers))
    return 0


def _recorded(bench: Workbench, args: Namespace) -> Recording | JobInfo:
    """The recording that the options ask for, made if need be; its job where that did not end."""
    question = _question(args)
    bench.ensure_sample()
    if args.dataset and args.model:
        prepare(bench, args, lambda: _there(bench, args.dataset, args.model))
    dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
    known = bench.find_recording(dataset, model, **question)
    if known is not None:
        return known
    (job,) = follow(bench, [bench.submit_recording(dataset, model, **question)], args)
    return bench.recording(job.result["run"]) if job.state == "done" else job


def _there(bench: Workbench, dataset: str, model: str) -> bool:
    """Whether nothing is on its way that would change the question: an import, the model."""
    coming = bench.preparing(dataset, model)
    return not any(job.kind in ("import", "register") for job in coming)


def _question(args: Namespace) -> dict[str, Any]:
    if args.match:
        raise InputError("--match", expected="--where", got=repr(args.match))
    return {
        "modalities": args.modalities,
        "capacity_factor": args.capacity,
        "batch": args.batch,
        "limit": args.limit,
        "where": conditions(args),
        "seed": args.seed,
    }


def _unfinished(args: Namespace, job: JobInfo) -> int:
    show(args, {"job": job}, f"job {job.id} is {job.state}: {job.title}")
    return outcome([job], finished=job.state in FINAL)


def _recording_lines(found: Recording) -> list[str]:
    rows = [
        {
            "modality": side,
            "inputs": found.inputs[side],
            "tokens": found.tokens[side],
            "dropped": found.dropped[side],
        }
        for side in found.inputs
    ]
    blocks = ", ".join(map(str, found.layers))
    return [
        found.label,
        f"{found.experts} experts in blocks {blocks}, {found.top_k} a token",
        table(rows, list(rows[0])),
        f"recording {found.key}",
        *found.notes,
    ]


def _remarks(found: Recording) -> list[str]:
    texts = [] if found.current else ["The dataset has changed since this was recorded."]
    if found.modalities != "both":
        texts.append(f"Only the {found.modalities} side was recorded: nothing to compare it with.")
    return texts


def _answer(found: Recording, layers: tuple[LayerSummary, ...]) -> dict[str, Any]:
    head = (
        "model",
        "dataset",
        "experts",
        "top_k",
        "capacity_factor",
        "modalities",
        "inputs",
        "current",
    )
    answer: dict[str, Any] = {"recording": found.key}
    answer |= {name: jsonable(getattr(found, name)) for name in head}
    return answer | {"layers": jsonable(layers), "notes": list(found.notes)}


def _summary_lines(found: Recording, layers: tuple[LayerSummary, ...]) -> list[str]:
    shares = [_share_row(each) for each in layers]
    decided = [
        {"block": each.layer}
        | _sides("dropped", each.dropped)
        | _sides("local", each.entropy_local)
        | _sides("global", each.entropy_global)
        for each in layers
    ]
    return [
        found.label,
        "",
        "How image and text share the experts (low to high: 95% interval over pairs; chance: what",
        "95% of shuffles of the modality stay below):",
        table(shares, _COLUMNS),
        "",
        f"Choices without room, and entropies of routing (natural, at most ln {found.experts}):",
        table(decided, _DECIDED),
    ]


def _share_row(each: LayerSummary) -> dict[str, Any]:
    low, high = each.jsd_interval
    return {
        "block": each.layer,
        "jsd_bits": each.jsd_bits,
        "low": low,
        "high": high,
        "chance": each.jsd_by_chance,
        "nmi": each.nmi,
        "text_share": each.text_share,
        "dead": len(each.dead_experts),
        **_sides("experts", each.effective_experts),
    }


def _sides(name: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_{side}": value for side, value in values.items()}
