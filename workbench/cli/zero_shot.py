"""`workbench evaluate zero-shot`: which class a model takes each image for, without training."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from workbench.api import FINAL, Pairs, PredictionPage, Retrieval, Workbench, ZeroShotRun
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import (
    Commands,
    add_where,
    classes,
    command,
    opened,
    settings,
    the_dataset,
    the_model,
)
from workbench.cli.options import where as conditions
from workbench.cli.output import jsonable, show, table
from workbench.cli.preparing import prepare
from workbench.errors import InputError
from workbench.measures import published_table
from workbench.prompts import builtin, prompt_sets
from workbench.prompts.prompt_sets import PromptSet

__all__ = ["add"]

_EXAMPLES = """\
  workbench evaluate zero-shot --dataset test --model glyph-clip --head mean --json
  workbench evaluate zero-shot -d test -m glyph-clip --where style=noto --prompts seven
  workbench evaluate zero-shot -d test -m glyph-clip --head autoclip --option beta=0.7 -p seven
  workbench evaluate zero-shot -d test -m glyph-clip --head knn --shots 2 --failures 20
  workbench evaluate zero-shot -d test -m glyph-clip --html report.html

--classes takes a file (.txt, .csv, .json), imagenet, sample or the name of a kept class set;
--prompts a file (.txt: a template a line; .json: templates, CuPL sentences, descriptors), photo,
name, seven, imagenet-80 or the name of a kept prompt set. A run is computed once and kept; asking
again answers at once."""


def add(actions: Commands) -> None:
    """Add the command to the group ``evaluate``."""
    sub = command(
        actions, "zero-shot", "Evaluate zero-shot classification of a dataset.", _EXAMPLES
    )
    sub.add_argument("-d", "--dataset", metavar="NAME", help="default: the only one")
    sub.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
    sub.add_argument("--head", default="mean", metavar="KEY", help="how prompts become scores")
    sub.add_argument("--classes", metavar="FILE|NAME", help="default: those of the dataset")
    sub.add_argument("-p", "--prompts", metavar="FILE|NAME", default="photo", help="default: photo")
    sub.add_argument("--label", default="label", metavar="COLUMN", help="holds the true class")
    sub.add_argument(
        "--group", action="append", metavar="COLUMN", help="measure by this column; repeatable"
    )
    sub.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the head"
    )
    sub.add_argument("--shots", type=int, default=1, help="images a class for few-shot heads")
    for side, word in (("reject", "not decide"), ("accept", "decide")):
        sub.add_argument(
            f"--{side}",
            metavar="'TEXT | TEXT'",
            action="append",
            default=[],
            help=f"RoboShot: they differ in what should {word}; repeat it",
        )
    sub.add_argument(
        "--retrieve", metavar="COUNT", help="REAL-Linear: a counting in another dataset's captions"
    )
    sub.add_argument("--each", type=int, default=100, help="REAL-Linear: images a class at most")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument(
        "--failures", type=int, default=0, metavar="N", help="also list N mistakes, worst first"
    )
    sub.add_argument(
        "--clip-benchmark", metavar="FILE", help="also write the result as CLIP_benchmark does"
    )
    sub.add_argument(
        "--html", metavar="FILE", help="also write a report that opens without the app"
    )
    sub.add_argument(
        "--published", metavar="FILE", help="hold the run against a table as open_clip publishes it"
    )
    sub.add_argument("--published-row", metavar="NAME", help="'NAME TAG'; default: the own model")
    sub.add_argument("--published-column", metavar="NAME", help="default: named as the dataset")
    add_where(sub)
    add_waiting(sub)
    sub.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Evaluate (or take the kept run), print its measures and mistakes."""
    filters, options = conditions(args), settings(args.option)
    if not args.published and (args.published_row or args.published_column):
        raise InputError("--published-row and -column", expected="--published FILE", got="none")
    if args.published:
        published_table.read(Path(args.published))  # refused before anything is computed
    if args.match:
        raise InputError("--match", expected="--where", got=repr(args.match))
    with opened(args) as bench:
        bench.ensure_sample()
        if args.dataset and args.model:
            prepare(bench, args, lambda: bench.embedded(args.dataset, args.model) == 1)
        dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
        job = bench.submit_zero_shot(
            dataset,
            model,
            classes=classes(bench, args.classes),
            prompts=_prompts(bench, args.prompts),
            head=args.head,
            options=options,
            shots=args.shots,
            pairs=Pairs.parsed(args.reject, args.accept),
            retrieve=Retrieval(args.retrieve, args.each) if args.retrieve else None,
            label=args.label,
            where=filters,
            groups=args.group,
            seed=args.seed,
        )
        (job,) = follow(bench, [job], args)
        if job.state != "done":
            show(args, {"job": job}, f"job {job.id} is {job.state}")
            return outcome([job], finished=job.state in FINAL)
        found = bench.zero_shot_run(job.result["run"])
        answer, lines = _answer(found), _lines(found)
        if args.failures:
            page = bench.predictions(found.key, correct=False, limit=args.failures)
            answer["failures"] = {"total": page.total, "rows": jsonable(page.rows)}
            lines += _failures(page)
        if args.clip_benchmark:
            text = json.dumps(_clip_benchmark(bench, found), indent=2)
            Path(args.clip_benchmark).write_text(text + "\n", "utf-8")
        if args.published:
            held = bench.hold_against(
                found.key, args.published, args.published_row, args.published_column
            )
            answer["published"] = jsonable(held)
            lines += _held(held)
        if args.html:
            answer["report"] = str(bench.write_zero_shot_report(found.key, args.html))
            lines += ["", f"The report is {answer['report']}."]
    show(args, answer, lines)
    return 0


def _prompts(bench: Workbench, given: str) -> PromptSet:
    if given in builtin.PROMPT_SETS:
        return builtin.prompt_set(given)
    path = Path(given)
    return prompt_sets.from_file(path) if path.is_file() else bench.prompt_set(given)


def _answer(found: ZeroShotRun) -> dict[str, Any]:
    """The figures flat, as a program wants them, with intervals beside them."""
    measures = found.measures
    return {
        "run": found.key,
        "dataset": found.dataset,
        "model": found.model,
        "head": found.head,
        "options": dict(found.options),
        "classes": found.classes,
        "prompts": found.prompts_name,
        "label": found.label,
        "n": measures["top1"].n,
        **{name: measure.value for name, measure in measures.items()},
        "intervals": {name: [each.low, each.high] for name, each in measures.items()},
        "temperature": found.temperature,
        "groups": {column: list(rows) for column, rows in found.groups.items()},
        "notes": list(found.notes),
    }


def _lines(found: ZeroShotRun) -> list[str]:
    rows = [
        {"measure": name, "value": m.value, "low": m.low, "high": m.high, "images": m.n}
        for name, m in found.measures.items()
    ]
    lines = [
        f"{found.model} on {found.dataset}: {found.head_title}, {found.classes:,} classes",
        table(rows, list(rows[0])),
        *found.notes,
    ]
    for column, groups in found.groups.items():
        figures = ("top1", "low", "high", "n")
        shown = [{column: each["value"], **{k: each[k] for k in figures}} for each in groups]
        lines += ["", table(shown, list(shown[0]))] if shown else []
    return lines


def _failures(page: PredictionPage) -> list[str]:
    rows = [
        {
            "item": row.item,
            "is": row.truth_name,
            "taken for": row.predicted_name,
            "confidence": row.confidence,
            "rank": row.rank,
        }
        for row in page.rows
    ]
    head = f"{page.total:,} of {page.of:,} images are mistaken, the furthest off first:"
    return ["", head, *([table(rows, list(rows[0]))] if rows else [])]


def _held(held: published_table.Held) -> list[str]:
    gap = held.difference
    ends = f" ({100 * gap.low:+.2f} to {100 * gap.high:+.2f})" if gap.low == gap.low else ""
    return [
        "",
        f"Published for {held.name} {held.pretrained} on {held.column}: {held.published:.2%}. "
        f"The run's {held.measure}: {held.measured.value:.2%} on {held.measured.n:,} images, "
        f"{100 * gap.value:+.2f} points{ends}.",
        *(f"Warning: {sentence}" for sentence in held.warnings),
    ]


def _clip_benchmark(bench: Workbench, found: ZeroShotRun) -> dict[str, Any]:
    """The result in CLIP_benchmark's layout."""
    card = bench.model(found.model)
    return {
        "dataset": found.dataset,
        "model": card.arch,
        "pretrained": card.weights,
        "task": "zeroshot_classification",
        "metrics": {
            "acc1": found.measures["top1"].value,
            "acc5": found.measures["top5"].value,
            "mean_per_class_recall": found.measures["mean_per_class"].value,
        },
        "language": "en",
    }
