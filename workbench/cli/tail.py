"""`workbench tail`: how accuracy follows the frequency of concepts."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from workbench.cli import tail_fit
from workbench.cli.options import Commands, command, group
from workbench.cli.output import say, show, table
from workbench.longtail.published import read_accuracies, read_counts
from workbench.longtail.reference import BENCHMARKS, Reference, reference_fit

__all__ = ["add"]

_EXAMPLES = """\
  workbench tail sources
  workbench tail fit --run RUN --count COUNT --json
  workbench tail export --run RUN --count COUNT --folder rare -k 20
  workbench tail reference --counts counts.parquet --accuracy accuracy.csv --json"""

_REFERENCE = """\
  workbench tail reference --counts concept_counts.csv.gz --accuracy class_accuracy.csv.gz
  workbench tail reference --counts counts.parquet --accuracy accuracy.csv --json"""

_COLUMNS = (
    "backbone",
    "pretraining",
    "method",
    "prompts",
    "n",
    "missing",
    "r_binned",
    "p",
    "r_raw",
)

_NOTHING = (
    "No row: no model in the accuracies was trained on a corpus in the counts, or they share no "
    f"class of {', '.join(BENCHMARKS)}."
)


def add(commands: Commands) -> None:
    """Add the command and its actions."""
    _, actions = group(
        commands, "tail", "Relate accuracy to how often concepts were seen.", _EXAMPLES
    )
    actions.required = True
    tail_fit.add(actions)
    sub = command(
        actions,
        "reference",
        "Compute the published log-linear fit of accuracy against concept frequency.",
        _REFERENCE,
    )
    sub.add_argument(
        "--counts",
        metavar="FILE",
        type=Path,
        required=True,
        help="columns benchmark, pretraining, method, concept, count",
    )
    sub.add_argument(
        "--accuracy",
        metavar="FILE",
        type=Path,
        required=True,
        help="columns benchmark, prompts, backbone, pretrained, concept, accuracy (percent)",
    )
    sub.set_defaults(run=run_reference)


def run_reference(args: Namespace) -> int:
    """Print one row for every model, corpus, way of counting and prompts in both files."""
    found = reference_fit(read_counts(args.counts), read_accuracies(args.accuracy))
    for text in _remarks(found):
        say(text)
    rows: list[dict[str, Any]] = [{name: getattr(r, name) for name in _COLUMNS} for r in found]
    shown = [{**row, "p": f"{row['p']:.2g}"} for row in rows]
    show(args, rows, table(shown, _COLUMNS) if rows else _NOTHING)
    return 0


def _remarks(found: tuple[Reference, ...]) -> list[str]:
    """What was left out, once for each corpus and way of counting."""
    left = {(r.pretraining, r.method): r.uncounted for r in found if r.uncounted}
    texts = [
        f"{corpus}, {method}: no counts for {', '.join(names)}; left out"
        for (corpus, method), names in sorted(left.items())
    ]
    unknown = {(r.pretraining, r.method): r.missing for r in found if r.missing}
    return texts + [
        f"{corpus}, {method}: {n:,} classes have no count; left out, not taken as 0"
        for (corpus, method), n in sorted(unknown.items())
    ]
