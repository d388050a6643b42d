"""`workbench evaluate`: retrieval here, zero-shot in its own file."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from workbench.api import DIRECTIONS, FINAL, FailurePage, RetrievalReport
from workbench.cli import zero_shot
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
from workbench.cli.output import jsonable, show, table

__all__ = ["add"]

_EXAMPLES = """\
  workbench evaluate retrieval --dataset scenes --model glyph-clip
  workbench evaluate retrieval -d scenes -m glyph-clip --failures 20
  workbench evaluate retrieval -d test -m glyph-siglip --failures 50 --where style=openmoji --json

recall@k, text-to-image: share of captions whose own image is among the first k images;
image-to-text: share of images with any of their captions among the first k captions.
An evaluation is computed once and kept; asking again answers at once."""


def add(commands: Commands) -> None:
    """Add the command group."""
    parser, actions = group(commands, "evaluate", "Evaluate a model on a dataset.", _EXAMPLES)
    parser.set_defaults(run=lambda _: parser.print_help() or 2)
    sub = command(
        actions, "retrieval", "Evaluate retrieval between images and their captions.", _EXAMPLES
    )
    sub.add_argument("-d", "--dataset", metavar="NAME", help="default: the only one")
    sub.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
    sub.add_argument(
        "--failures", type=int, default=0, metavar="N", help="also list N failures, worst first"
    )
    sub.add_argument("--offset", type=int, default=0, help="failures to leave out first")
    sub.add_argument("--direction", choices=DIRECTIONS, default=DIRECTIONS[0])
    add_where(sub)
    add_waiting(sub)
    sub.set_defaults(run=run)
    zero_shot.add(actions)


def run(args: Namespace) -> int:
    """Evaluate (or take the kept result), print measures and failures."""
    filters = conditions(args)
    with opened(args) as bench:
        dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
        report = bench.retrieval_result(dataset, model)
        if report is None or not report.current:
            job = bench.submit_evaluate_retrieval(dataset, model)
            (job,) = follow(bench, [job], args)
            if job.state != "done":
                show(args, {"job": job}, f"job {job.id} is {job.state}")
                return outcome([job], finished=job.state in FINAL)
            report = bench.retrieval_result(dataset, model)
        assert report is not None  # the job published it
        answer: dict[str, Any] = {"report": jsonable(report)}
        lines = _report_lines(report)
        if args.failures:
            page = bench.retrieval_failures(
                dataset,
                model,
                args.direction,
                where=filters,
                search=args.match,
                limit=args.failures,
                offset=args.offset,
            )
            answer["failures"] = {
                "total": page.total,
                "of": page.of,
                "offset": page.offset,
                "rows": jsonable(page.rows),
            }
            lines += _failure_lines(page)
    show(args, answer, lines)
    return 0


def _report_lines(report: RetrievalReport) -> list[str]:
    rows = [{"direction": way, **report.measures[way]} for way in DIRECTIONS]
    names = list(rows[0])
    lines = [f"{report.dataset} by {report.model}", table(rows, names)]
    if report.repeated:
        lines.append(
            f"{report.repeated:,} captions belong to more than one item; when a result with the "
            "very same caption also counts as right:"
        )
        tolerant = [{"direction": way, **report.tolerant[way]} for way in DIRECTIONS]
        lines.append(table(tolerant, names))
    return lines


def _failure_lines(page: FailurePage) -> list[str]:
    rows = [
        {
            "rank": row.rank,
            "query": row.query,
            "truth": row.item,
            "beaten by": ", ".join(hit.caption or hit.item for hit in row.distractors),
        }
        for row in page.rows
    ]
    head = f"{page.total:,} of {page.of:,} queries fail (their truth is not first):"
    return ["", head, table(rows, ["rank", "query", "truth", "beaten by"])]
