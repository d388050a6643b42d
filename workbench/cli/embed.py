"""`workbench embed` and `workbench index`: make vectors, and make them fast to search."""

from __future__ import annotations

from argparse import Namespace

from workbench.api import FINAL
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import Commands, command, opened, the_dataset, the_model
from workbench.cli.output import human_bytes, show, table
from workbench.types import Side

__all__ = ["add"]

_EMBED = """\
  workbench embed --dataset photos --model vit-b-32
  workbench embed -d photos -m vit-b-32 --side image --no-wait
  workbench embed --list

works in shards: cancelled or killed at any time, it goes on after the last finished one."""

_INDEX = """\
  workbench index --dataset photos --model vit-b-32
  workbench index --list

embedding queues this by itself. The kind is chosen from size and memory, and the list says why;
searching works without an index, only slower."""

_SIDES: dict[str, tuple[Side, ...] | None] = {
    "image": ("image",),
    "caption": ("caption",),
    "both": None,
}


def add(commands: Commands) -> None:
    """Add both commands."""
    for name, summary, examples, run in (
        ("embed", "Embed the images and captions of a dataset with a model.", _EMBED, run_embed),
        ("index", "Build the search index of embedded images or captions.", _INDEX, run_index),
    ):
        parser = command(commands, name, summary, examples)
        parser.add_argument("-d", "--dataset", metavar="NAME", help="default: the only one")
        parser.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
        parser.add_argument("--side", choices=tuple(_SIDES), default="both")
        parser.add_argument("--list", action="store_true", help="show what there is")
        add_waiting(parser)
        parser.set_defaults(run=run)


def run_embed(args: Namespace) -> int:
    """Embed and wait, or list how far everything is embedded."""
    with opened(args) as bench:
        if args.list:
            found = [{**vars(info), "complete": info.complete} for info in bench.vectors()]
            names = ["dataset", "model", "side", "done", "total", "dim", "dtype"]
            show(args, found, table(found, names))
            return 0
        dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
        job = bench.submit_embed(dataset, model, _SIDES[args.side])
        (job,) = follow(bench, [job], args)
    lines = f"{job.title}: {job.state}, {job.done:,} of {job.total:,} {job.unit} on {job.device}"
    show(args, {"job": job}, lines)
    return outcome([job], finished=job.state in FINAL)


def run_index(args: Namespace) -> int:
    """Build indexes and wait, or list them with the reason for their kind."""
    with opened(args) as bench:
        if args.list:
            found = [vars(info) for info in bench.indexes()]
            rows = [{**row, "size": human_bytes(row["bytes"])} for row in found]
            names = ["dataset", "model", "side", "kind", "rows", "size", "reason"]
            show(args, found, table(rows, names))
            return 0
        dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
        key = bench.model(model).key
        embedded = [
            info.side
            for info in bench.vectors()
            if (info.dataset, info.model) == (dataset, key) and info.done
        ]
        sides = _SIDES[args.side] or tuple(embedded) or ("image",)
        queued = [bench.submit_index(dataset, model, side) for side in sides]
        jobs = follow(bench, queued, args)
    show(args, {"jobs": jobs}, [f"{job.title}: {job.state} {job.message}" for job in jobs])
    return outcome(jobs, finished=all(job.state in FINAL for job in jobs))
