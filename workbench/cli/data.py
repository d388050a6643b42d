"""`workbench import` and `workbench datasets`: bring data in, look at it, take it out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from workbench.api import FINAL
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import Commands, add_where, command, group, opened
from workbench.cli.options import where as conditions
from workbench.cli.output import human_bytes, jsonable, say, show, table
from workbench.errors import InputError
from workbench.types import DatasetInfo, Preview

__all__ = ["add"]

_IMPORT = """\
  workbench import ~/photos --dataset photos --preview
  workbench import ~/photos --dataset photos
  workbench import products.parquet --dataset products --option image_column=jpg
  workbench import 'shards/train-*.tar' --dataset train --importer webdataset --no-wait

reads image folders (a class a folder, or flat), CSV, Parquet and JSONL tables, WebDataset tars,
COCO captions, CLIP_benchmark datasets and clip-retrieval output. Importing the same source again
adds only what is new. Broken files are skipped and listed: `workbench datasets skipped NAME`."""

_DATASETS = """\
  workbench datasets
  workbench datasets show test --where style=noto --limit 5
  workbench datasets skipped photos --json
  workbench datasets delete photos --yes"""


def add(commands: Commands) -> None:
    """Add both commands."""
    parser = command(commands, "import", "Import images, captions and metadata.", _IMPORT)
    parser.add_argument("path", metavar="PATH", help="folder, file, or pattern of shards")
    parser.add_argument("-d", "--dataset", metavar="NAME", help="its name in the workspace")
    parser.add_argument("--importer", metavar="KEY", help="default: recognised from the content")
    parser.add_argument(
        "--option", metavar="K=V", action="append", default=[], help="of the importer; repeatable"
    )
    parser.add_argument(
        "--preview", action="store_true", help="show what would come, and store nothing"
    )
    add_waiting(parser)
    parser.set_defaults(run=run_import)

    parser, actions = group(commands, "datasets", "List, show and delete datasets.", _DATASETS)
    parser.set_defaults(run=run_list)
    command(actions, "list", "List the datasets.", _DATASETS).set_defaults(run=run_list)
    sub = command(actions, "show", "Show the columns and items of a dataset.", _DATASETS)
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--limit", type=int, default=10, help="how many items (default 10)")
    sub.add_argument("--offset", type=int, default=0)
    add_where(sub)
    sub.set_defaults(run=run_show)
    sub = command(actions, "skipped", "List what an import refused, and why.", _DATASETS)
    sub.add_argument("name", metavar="NAME")
    sub.set_defaults(run=run_skipped)
    sub = command(actions, "delete", "Take a dataset out of the workspace.", _DATASETS)
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--yes", action="store_true", help="do it without asking")
    sub.set_defaults(run=run_delete)


def run_import(args: Namespace) -> int:
    """Preview, or import and wait."""
    options: dict[str, Any] = dict(_option(text) for text in args.option)
    with opened(args) as bench:
        if args.preview:
            preview = bench.preview(args.path, args.importer, 20, **options)
            show(args, _without_bytes(preview), _preview_lines(preview))
            return 0
        if not args.dataset:
            raise InputError("import", expected="--dataset NAME", got="no name")
        job = bench.submit_import(args.path, args.dataset, args.importer, **options)
        (job,) = follow(bench, [job], args)
        answer: dict[str, Any] = {"job": jsonable(job)}
        if job.state == "done":
            info = bench.dataset(args.dataset)
            answer["dataset"] = jsonable(info)
            if info.skipped:
                say(f"{info.skipped} skipped: `workbench datasets skipped {info.name}` says why.")
            say(f"Next: `workbench embed --dataset {info.name} --model MODEL`")
            show(args, answer, f"{info.name}: {info.items:,} items, {info.captions:,} captions")
        else:
            show(args, answer, f"job {job.id} is {job.state}")
    return outcome([job], finished=job.state in FINAL)


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--option {text!r}", expected="NAME=VALUE", got=repr(text))
    return name.replace("-", "_"), value


def _without_bytes(preview: Preview) -> dict[str, Any]:
    answer: dict[str, Any] = jsonable(preview)
    for record in answer["records"]:
        record.pop("data", None)
    return answer


def _preview_lines(preview: Preview) -> list[str]:
    total = "an unknown number of" if preview.total is None else f"{preview.total:,}"
    kinds = [k for k in ("images", "captions", "vectors") if getattr(preview, k)]
    lines = [f"{preview.title}: {total} items with {', '.join(kinds) or 'metadata only'}"]
    lines += [f"  {name} ({kind})" for name, kind in preview.columns.items()]
    rows = [
        {"item": r.key, "label": r.label, "caption": " | ".join(r.captions), **r.meta}
        for r in preview.records[:10]
    ]
    if rows:
        lines.append(table(rows, ["item", "label", "caption", *preview.columns][:8]))
    return [*lines, *preview.notes]


def run_list(args: Namespace) -> int:
    """List the datasets."""
    with opened(args) as bench:
        found = bench.datasets()
    show(args, found, _dataset_lines(found))
    return 0


def _dataset_lines(found: Sequence[DatasetInfo]) -> str:
    if not found:
        return "No dataset yet: `workbench import PATH --dataset NAME`."
    rows = [vars(info) for info in found]
    return table(rows, ["name", "items", "captions", "skipped", "importer", "source"])


def run_show(args: Namespace) -> int:
    """Show columns, counts and the first items."""
    filters = conditions(args)
    with opened(args) as bench:
        info, columns = bench.dataset(args.name), bench.columns(args.name)
        count = bench.count(args.name, filters, search=args.match)
        items = bench.items(
            args.name, filters, limit=args.limit, offset=args.offset, search=args.match
        ).to_pylist()
    answer = {"dataset": info, "columns": columns, "matching": count, "items": items}
    names = ["row", "item", *[column.name for column in columns]]
    lines = [
        f"{info.name}: {info.items:,} items, {info.captions:,} captions, from {info.source}",
        table([vars(column) for column in columns], ["name", "kind", "distinct", "missing"]),
        f"{count:,} items match",
        table(items, names[:9]),
    ]
    show(args, answer, lines)
    return 0


def run_skipped(args: Namespace) -> int:
    """List what was refused."""
    with opened(args) as bench:
        bench.dataset(args.name)
        rows = bench.skipped(args.name).to_pylist()
    show(args, rows, table(rows, ["item", "reason"]) if rows else "Nothing was skipped.")
    return 0


def run_delete(args: Namespace) -> int:
    """Delete a dataset from the catalog."""
    with opened(args) as bench:
        info = bench.dataset(args.name)
        if not args.yes:
            raise InputError(
                f"deleting {info.name!r} with {info.items:,} items and its vectors",
                expected="--yes",
                got="no confirmation",
            )
        bench.delete_dataset(args.name)
        paths, size = bench.gc(dry_run=True)
    lines = f"{info.name} is gone; `workbench gc --delete` frees {human_bytes(size)}."
    show(args, {"deleted": info.name, "orphans": len(paths), "bytes": size}, lines)
    return 0
