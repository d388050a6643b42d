"""Questions about items as a page asks them: from memory against the Parquet files themselves.

For 5,000, 100,000 and 1,000,000 synthetic items with as many captions, imported in parts of
1,024 (or of 65,536 with ``--part``): the time until the first answer (the tables are read into
memory), then medians of each question from memory and from the files, taking turns in one run.
Sum of one page: count, a sorted and filtered page of 60 items, one facet, and 60 rows by number.
The limit is 200 ms for that sum up to 100,000 items.

    python benchmarks/bench_tables.py [--rows N ...] [--part P] [--repeat R] [--strict]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from store.tables import Tables  # noqa: E402
from store.workspace import Workspace  # noqa: E402
from workbench.filters import Filter  # noqa: E402

LIMIT_MS, LIMIT_ROWS = 200.0, 100_000
PAGE = ("count", "page", "facet", "take 60")
WORDS = np.array([f"word{n}" for n in range(5000)])


def parts(rows: int, size: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Items with five metadata columns and a caption of eight words each; always the same."""
    for start in range(0, rows, size):
        count = min(size, rows - start)
        rng, at = np.random.default_rng(start), np.arange(start, start + count)
        items = {
            "item": [f"shard-{n // 1000:05d}/{n:09d}" for n in at],
            "uri": [f"/data/images/shard-{n // 1000:05d}.tar" for n in at],
            "offset": at % 1000 * 512,
            "length": rng.integers(1000, 100_000, count),
            "width": rng.choice([224, 256, 640], count),
            "height": rng.choice([224, 256, 480], count),
            "format": ["JPEG"] * count,
            "bytes": rng.integers(1000, 100_000, count),
            "digest": [f"{n:032x}" for n in rng.integers(0, 2**62, count)],
            "label": [f"class {n}" for n in rng.zipf(1.3, count) % 1000],
            "style": rng.choice(["noto", "twemoji", "openmoji"], count),
            "score": rng.normal(size=count),
            "year": rng.integers(1990, 2024, count),
        }
        texts = [" ".join(words) for words in WORDS[rng.integers(0, len(WORDS), (count, 8))]]
        yield pa.table(items), pa.table({"item_index": np.arange(count), "text": texts})


def questions(tables: Tables, rows: int) -> dict[str, Callable[[int], Any]]:
    """Each question takes the number of the turn, so that no two are the same."""
    noto = (Filter("style", "=", "noto"),)

    def year(turn: int) -> tuple[Filter, ...]:
        return (*noto, Filter("year", ">=", 1990 + turn % 30))

    def some(turn: int) -> Any:
        return np.random.default_rng(turn).integers(0, rows, 60)

    return {
        "count": lambda t: tables.count("d", year(t)),
        "page": lambda t: tables.items("d", year(t), sort=[("score", "desc")], limit=60),
        "facet": lambda t: tables.facets("d", "label", year(t)),
        "take 60": lambda t: tables.take("d", some(t)),
        "last page": lambda t: tables.items(
            "d", sort=[("score", "asc")], limit=60, offset=rows - 60
        ),
        "rows": lambda t: tables.rows("d", year(t)),
        "rows 1 %": lambda t: tables.rows("d", (Filter("label", "=", f"class {t + 5}"),)),
        "search": lambda t: tables.count("d", search=f"word{t + 17} "),
        "histogram": lambda t: tables.histogram("d", "score", 30, year(t)),
        "captions of 60": lambda t: tables.captions_of("d", some(t)),
    }


def timed(question: Callable[[int], Any], turn: int) -> float:
    start = time.perf_counter()
    question(turn)
    return (time.perf_counter() - start) * 1000


def build(workspace: Workspace, rows: int, size: int) -> None:
    workspace.catalog.ensure_dataset("d", importer="synthetic", source="seed")
    start = time.perf_counter()
    for items, captions in parts(rows, size):
        workspace.tables.append("d", items, captions)
    took = time.perf_counter() - start
    files = len(workspace.database.all("select file from parts"))
    print(f"\n{rows:,} items: published in {took:.1f} s, {rows / took:,.0f}/s, {files} files")


def measure(root: Path, rows: int, size: int, repeat: int) -> float:
    """Print the table of one size; returns the milliseconds of one page from memory."""
    with Workspace.open(root) as workspace:
        build(workspace, rows, size)
        memory = workspace.tables
        files = Tables(workspace.root, workspace.catalog, hot_rows=0)
        before = psutil.Process().memory_info().rss
        first = timed(lambda _: memory.count("d", (Filter("year", "=", 2000),)), 0)
        captions = timed(lambda _: memory.captions_of("d", [0]), 0)
        columns = timed(lambda _: memory.columns("d"), 0)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        print(f"  first question {first:.0f} ms, first caption {captions:.0f} ms, "
              f"columns {columns:.0f} ms, then cached; memory +{grown:.0f} MiB")  # fmt: skip
        print(f"  {'question':16s}{'memory ms':>10s}{'files ms':>10s}{'files / memory':>16s}")
        from_files = questions(files, rows)
        medians = {}
        for name, question in questions(memory, rows).items():
            pairs = [(timed(question, t), timed(from_files[name], t)) for t in range(repeat)]
            hot, cold = (statistics.median(column) for column in zip(*pairs, strict=True))
            medians[name] = hot
            print(f"  {name:16s}{hot:10.1f}{cold:10.1f}{cold / hot:16.1f}")
        files.close()
    return sum(medians[name] for name in PAGE)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 100_000, 1_000_000])
    parser.add_argument("--part", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--strict", action="store_true", help="exit status 1 beyond the limit")
    args = parser.parse_args()
    slow = False
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            page = measure(Path(folder) / "ws", rows, args.part, args.repeat)
        limited = rows <= LIMIT_ROWS
        verdict = f", {page / LIMIT_MS:.2f} of the limit of {LIMIT_MS:.0f} ms" if limited else ""
        print(f"  one page ({', '.join(PAGE)}): {page:.0f} ms{verdict}")
        slow |= limited and page > LIMIT_MS
    return int(args.strict and slow)


if __name__ == "__main__":
    sys.exit(main())
