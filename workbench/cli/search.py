"""`workbench search`: rank a collection against a text, an image or an item."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.api import SAMPLE_DATASETS, SAMPLE_MODELS, Hit, Query, SearchResult, Workbench
from workbench.cli.options import Commands, add_where, command, opened, the_dataset, the_model
from workbench.cli.options import where as conditions
from workbench.cli.output import say, show, table
from workbench.cli.preparing import prepare
from workbench.errors import InputError

__all__ = ["add", "hit_object"]

_EXAMPLES = """\
  workbench search "a red apple" --dataset test --model glyph-clip
  workbench search "a red apple" -d test -m glyph-clip -k 5 --json
  workbench search "fruit" --exclude apple -d test -m glyph-clip --where style=openmoji
  workbench search --image photo.jpg -d photos -m vit-b-32
  workbench search "at night" --image photo.jpg --image-weight 0.7 -d photos -m vit-b-32
  workbench search --item 000123 -d test -m glyph-clip --target caption
  workbench search "two animals" -d scenes -m glyph-siglip -k 50 --offset 50

scores are cosines in [-1, 1]; --offset pages on to the end of the ranking. In an empty folder
this makes a workspace and fills it with the sample world first."""

_RESERVED = ("rank", "item", "row", "score", "caption")


def add(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "search", "Search a collection by text, image or item.", _EXAMPLES)
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="what to look for")
    parser.add_argument("-d", "--dataset", metavar="NAME", help="where; default: the only one")
    parser.add_argument("-m", "--model", metavar="NAME", help="default: the only one")
    parser.add_argument("-k", type=int, default=10, help="how many results (default 10)")
    parser.add_argument("--offset", type=int, default=0, help="results to leave out first")
    parser.add_argument("--target", choices=("image", "caption"), default="image")
    parser.add_argument("--exclude", metavar="TEXT", default="", help="steer away from this text")
    parser.add_argument(
        "--exclude-weight", type=float, default=0.5, metavar="U", help="how strongly (default 0.5)"
    )
    parser.add_argument("--image", metavar="FILE", help="an image file as the query")
    parser.add_argument("--item", metavar="ID", help="an item of the workspace as the query")
    parser.add_argument(
        "--item-dataset", metavar="NAME", help="the dataset of --item; default: --dataset"
    )
    parser.add_argument(
        "--image-weight", type=float, default=0.5, metavar="W", help="image against TEXT, 0 to 1"
    )
    add_where(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Search and print; waits for a sample world that is still being prepared."""
    image = _read(args.image) if args.image else None
    if image is None and not args.item:
        _query(args, None, None)  # a query that cannot be asked must not start a worker
    filters = conditions(args)
    with opened(args) as bench:
        bench.ensure_sample()
        dataset, model = _prepared(bench, args)
        item = None
        if args.item:
            source = args.item_dataset or dataset
            item = (source, bench.row_of(source, args.item))
        result = bench.search(
            _query(args, image, item),
            dataset=dataset,
            model=model,
            target=args.target,
            where=filters,
            k=args.k,
            offset=args.offset,
            search=args.match,
        )
    _print(args, result)
    return 0


def _query(args: Namespace, image: bytes | None, item: tuple[str, int] | None) -> Query:
    return Query(
        text=args.text,
        exclude=args.exclude,
        image=image,
        item=item,
        image_weight=args.image_weight,
        exclude_weight=args.exclude_weight,
    )


def _read(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read", expected="an image file", got=str(error.strerror)
        ) from error


def _prepared(bench: Workbench, args: Namespace) -> tuple[str, str]:
    """Names of dataset and model, once there are vectors to search.

    The sample world is waited for until it is whole, so that the first search is the same for
    everybody; of other data, what is embedded so far is searched.
    """
    if args.dataset and args.model:
        sample = args.dataset in SAMPLE_DATASETS and args.model in SAMPLE_MODELS

        def enough() -> bool:
            found = bench.embedded(args.dataset, args.model, args.target)
            return found == 1 if sample else found > 0

        prepare(bench, args, enough)
    dataset, model = the_dataset(bench, args.dataset), the_model(bench, args.model)
    share = bench.embedded(dataset, model, args.target)
    if 0 < share < 1:
        say(f"{share:.0%} of the {args.target}s are embedded so far; only these are searched.")
    return dataset, model


def hit_object(hit: Hit) -> dict[str, Any]:
    """A hit as one flat object: rank, item, row, score, caption (when one was found), columns.

    A column with one of these names gets a ``_`` at its end.
    """
    own: dict[str, Any] = {
        "rank": hit.rank,
        "item": hit.item,
        "row": hit.row,
        "score": round(hit.score, 6),
    }
    if hit.caption_row >= 0:
        own |= {"caption": hit.caption}
    columns = {f"{k}_" if k in _RESERVED else k: v for k, v in hit.columns.items()}
    return own | columns


def _print(args: Namespace, result: SearchResult) -> None:
    objects = [hit_object(hit) for hit in result.hits]
    show(args, objects, _lines(objects, result))


def _lines(objects: Sequence[dict[str, Any]], result: SearchResult) -> list[str]:
    if not objects:
        return ["Nothing matches."]
    boring = {"row", "width", "height", "bytes", "format"}
    columns = [name for name in objects[0] if name not in boring]
    took = 1000 * sum(result.seconds.values())
    kind = "exact" if result.exact else "approximate"
    return [
        table(objects, columns),
        f"{result.considered:,} {result.target}s ranked ({kind}) in {took:.0f} ms",
    ]
