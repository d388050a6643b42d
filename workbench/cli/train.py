"""`workbench train`: a small sparse model trained on images and captions."""

from __future__ import annotations

import argparse
from argparse import Namespace
from typing import Any

from workbench.api import CONTEXT, FINAL, Recipe, Workbench
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import Commands, command, group, opened, the_dataset
from workbench.cli.output import show, table
from workbench.params import Described, describe

__all__ = ["add"]

_EXAMPLES = """\
  workbench train limoe --dataset scenes --name my-limoe
  workbench train limoe --dataset scenes --name my-classic --losses classic --seed 1
  workbench train list"""

_LIMOE = """\
  workbench train limoe --dataset scenes --name my-limoe
  workbench train limoe --dataset scenes --name apart --modality-bias --soft-text 2 --steps 400
  workbench train limoe --dataset scenes --name twin --losses dense --json

killed, cancelled or interrupted it goes on at its last checkpoint: give the same command again, or
retry its job. The same options give the same numbers on the CPU."""

_LIST = """\
  workbench train list --json"""


def add(commands: Commands) -> None:
    """Add the command and its actions."""
    _, actions = group(commands, "train", "Train a small sparse model (LIMoE).", _EXAMPLES)
    actions.required = True
    sub = command(actions, "limoe", "Train a LIMoE on a dataset's images and captions.", _LIMOE)
    sub.add_argument("-d", "--dataset", metavar="NAME", help="default: the only one")
    sub.add_argument("--name", required=True, help="of the model that is made")
    sub.add_argument(
        "--context",
        type=int,
        default=CONTEXT,
        metavar="N",
        help=f"tokens a caption may have, with start and end mark; default: {CONTEXT}",
    )
    options = sub.add_argument_group("recipe")
    for each in describe(Recipe):
        _option(options, each)
    add_waiting(sub)
    sub.set_defaults(run=run)
    listed = command(actions, "list", "Show the trainings there are.", _LIST)
    listed.set_defaults(run=run_list)


def _option(options: argparse._ArgumentGroup, each: Described) -> None:
    """One declared parameter; what is not given keeps its default."""
    flag, words = f"--{each.name.replace('_', '-')}", each.help.rstrip(".")
    words = f"{words[0].lower()}{words[1:]}; default: {_shown(each.default)}".replace("%", "%%")
    if isinstance(each.default, bool):
        options.add_argument(
            flag,
            dest=each.name,
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=words,
        )
        return
    options.add_argument(
        flag,
        dest=each.name,
        type=type(each.default),
        choices=each.choices or None,
        metavar=None if each.choices else "N",
        default=argparse.SUPPRESS,
        help=words,
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def run(args: Namespace) -> int:
    """Train and wait; print what the finished model does on the held-out pairs."""
    given = {each.name for each in describe(Recipe)} & set(vars(args))
    with opened(args) as bench:
        bench.ensure_sample()
        job = bench.submit_training(
            the_dataset(bench, args.dataset),
            args.name,
            context=args.context,
            **{name: getattr(args, name) for name in given},
        )
        (job,) = follow(bench, [job], args)
        if job.state != "done":
            show(args, {"job": job}, f"job {job.id} is {job.state}: {job.title}")
            return outcome([job], finished=job.state in FINAL)
        answer = bench.trained(job.result["run"])
    show(args, answer, _lines(answer))
    return 0


def _lines(answer: dict[str, Any]) -> list[str]:
    seen = answer["held_out"]
    lines = [
        f"{answer['name']}: {answer['steps']:,} steps in {answer['seconds']:.0f} s on "
        f"{answer['items']:,} images of {answer['dataset']}",
        f"recall@1 among {seen['pairs']:,} held-out pairs: {seen['image_to_text']:.1%} image to "
        f"text, {seen['text_to_image']:.1%} text to image",
    ]
    for layer, kept in enumerate(seen["kept"]):
        lines.append(f"mixture {layer + 1}: kept {kept[0]:.1%} of image, {kept[1]:.1%} of text")
    if answer["unreadable"]:
        lines.append(f"{answer['unreadable']:,} images could not be read; see the job's log")
    return lines


def run_list(args: Namespace) -> int:
    """List the trainings."""
    with opened(args) as bench:
        found = bench.trainings()
        rows = [_row(bench, each) for each in found]
    names = ["name", "dataset", "losses", "seed", "state", "steps", "model"]
    show(args, rows, table(rows, names) if rows else "Nothing was trained yet.")
    return 0


def _row(bench: Workbench, each: Any) -> dict[str, Any]:
    return {
        "key": each.key,
        "name": each.name,
        "dataset": each.dataset,
        "losses": each.recipe["losses"],
        "seed": each.recipe["seed"],
        "state": each.state,
        "steps": f"{each.step:,} of {each.steps:,}",
        "model": each.model or "-",
        "job": each.job,
        "resumable": bench.has_checkpoint(each.key),
    }
