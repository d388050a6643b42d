"""The standard head with the ten best classes of each image against the bare product X W.

100,000 and 1,000,000 vectors of 512 numbers (seeded noise, memory-mapped as in a workspace) and
1,000 classes of 80 prompts. Timed in turns of 16,384 images: the bare product in two pieces,
with BLAS on all cores, of vectors already read into memory that is used again; and ours on the same
images, dealt in small blocks to all cores as in a run: reading and checking the vectors, the
logits, the ten best classes with their logits. The limit for that is 1.3 times the bare product.
Shown beside it is what a run keeps of each image too: probabilities, entropy, the true class's
rank. Each time is the median turn times the number of turns, because other work on the machine
falls on some turns and not on others; the best turn and processor time of all threads are shown
too, because they suffer less from a busy machine. With --float16 ours also turns half precision
into single, which the bare product does not. Memory is the most that all arrays together took, the
texts and the ten best included.

    python benchmarks/bench_heads.py [--rows N ...] [--classes C] [--prompts P] [--dim D]
                                     [--float16] [--strict]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from workbench.heads.cores import block_size, dealt  # noqa: E402
from workbench.heads.head import ArrayImages, Material, scored  # noqa: E402
from workbench.heads.mean import Params, prepare  # noqa: E402
from workbench.heads.softmax import certainty  # noqa: E402
from workbench.heads.top import rank_of, top  # noqa: E402

LIMIT, K, PART, TURN, PIECE = 1.3, 10, 65_536, 16_384, 8192
REST = 0.2
"""Seconds before each measurement: the threads of BLAS spin on for a while after a product."""


def unit(rows: int, dim: int, seed: int) -> np.ndarray:
    found = np.random.default_rng([seed, dim]).standard_normal((rows, dim), dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def clock() -> np.ndarray:
    """Wall time and processor time of all threads, seconds: (2,)."""
    return np.array([time.perf_counter(), time.process_time()])


def stored(path: Path, rows: int, dim: int, dtype: type) -> np.ndarray:
    """(rows, dim), read from a file as it is needed."""
    written = np.lib.format.open_memmap(path, "w+", dtype, (rows, dim))
    for start in range(0, rows, PART):
        written[start : start + PART] = unit(min(PART, rows - start), dim, start)
    written.flush()
    return np.load(path, mmap_mode="r")


def measure(array: np.ndarray, classes: int, prompts: int) -> float:
    images, rows = ArrayImages(array), len(array)
    texts = unit(classes * prompts, images.dim, 7)
    begun = time.perf_counter()
    starts = np.arange(0, classes * prompts + 1, prompts)
    scorer = prepare(Material(images, texts, starts), Params())
    prepared = time.perf_counter() - begun
    truth = np.random.default_rng(0).integers(0, classes, rows)
    best, scores = np.empty((rows, K), np.int32), np.empty((rows, K), np.float32)
    out = np.empty((PIECE, classes), np.float32)
    small = block_size(classes)

    def head(given: tuple[int, np.ndarray]) -> None:
        start, block = given
        part = slice(start, start + len(block))
        best[part], scores[part] = top(scored(scorer, block, start, classes), K)

    def run(given: tuple[int, np.ndarray]) -> None:
        start, block = given
        part = slice(start, start + len(block))
        logits = scored(scorer, block, start, classes)
        best[part], scores[part] = top(logits, K)
        certainty(logits, scores[part])
        rank_of(logits, truth[part])

    times: dict[str, list[np.ndarray]] = {"bare": [], "head": [], "run": []}
    for at in range(0, rows, TURN):
        turn = array[at : at + TURN]
        held, spent = np.array(turn, np.float32), {}
        time.sleep(REST)
        mark = clock()
        for piece in np.split(held, range(PIECE, len(held), PIECE)):
            np.matmul(piece, scorer.weights.T, out=out[: len(piece)])
        spent["bare"] = clock() - mark
        for name, work in (("head", head), ("run", run)):
            time.sleep(REST)
            mark = clock()
            given = ((at + start, block) for start, block in ArrayImages(turn).blocks(small))
            for _ in dealt(work, given):
                pass
            spent[name] = clock() - mark
        if len(turn) == TURN or rows < TURN:
            for name, value in spent.items():
                times[name].append(value)
    # apart from the clock, because following each allocation takes a tenth of the time
    tracemalloc.start()
    given = ((at, block) for at, block in images.blocks(small))
    for _ in dealt(run, given):
        pass
    memory = tracemalloc.get_traced_memory()[1] / 1e6
    memory += (texts.nbytes + scorer.weights.nbytes + best.nbytes + scores.nbytes) / 1e6
    tracemalloc.stop()
    return report(array, classes, times, f"prompts {prepared:.2f} s, memory {memory:,.0f} MB")


def report(array: np.ndarray, classes: int, times: dict[str, list], rest: str) -> float:
    """Print the times beside that of the bare product; the ratio that has a limit is given back."""
    rows = len(array)
    turns = rows / min(TURN, rows)
    middle = {name: np.median(found, axis=0) for name, found in times.items()}
    least = {name: np.min(found, axis=0) for name, found in times.items()}
    print(
        f"{rows:>9,} x {classes:,} {array.dtype}: product {middle['bare'][0] * turns:.2f} s, {rest}"
    )
    for name, said in (("head", f"head with top {K}"), ("run", "all that a run keeps")):
        ratio, cpu = middle[name] / middle["bare"]
        best = least[name][0] / least["bare"][0]
        verdict = f" ({'within' if ratio <= LIMIT else 'ABOVE'} {LIMIT})" if name == "head" else ""
        print(
            f"          {said} {middle[name][0] * turns:.2f} s, ratio {ratio:.2f}{verdict}, "
            f"of best turns {best:.2f}, of processor time {cpu:.2f}"
        )
    return float(middle["head"][0] / middle["bare"][0])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--prompts", type=int, default=80)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--float16", action="store_true", help="vectors stored in half precision")
    parser.add_argument("--strict", action="store_true", help="fail above the limit")
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    dtype = np.float16 if args.float16 else np.float32
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.rows:
            array = stored(Path(folder) / f"{rows}.npy", rows, args.dim, dtype)
            ratios.append(measure(array, args.classes, args.prompts))
    return int(args.strict and max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
