"""Import against reading and decoding the same files: files per second, and their ratio.

The import does everything a person gets: it lists the source, reads and checks every image to its
last byte, takes digests, and publishes items and captions in the workspace. Beside it, in the same
run, taking turns and on the same number of threads: a plain Pillow loop that reads every file and
decodes it to RGB. JPEGs are checked at an eighth of their size, which reads every byte but computes
fewer pixels; so the import of JPEGs may well be faster than decoding them. The PNG row shows the
ratio without that advantage. Importing the same again decodes nothing.

    python benchmarks/bench_import.py [--files N] [--rounds R]

The photographs in ../shared/data/photos, repeated; where they are missing, generated ones.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from store.workspace import Workspace  # noqa: E402
from workbench.worker import import_job  # noqa: E402
from workbench.worker.control import Control  # noqa: E402
from workbench.worker.import_reading import threads  # noqa: E402

PHOTOS = ROOT.parent / "shared" / "data" / "photos"


def originals() -> list[bytes]:
    files = sorted(PHOTOS.rglob("*.jpg")) if PHOTOS.is_dir() else []
    return [file.read_bytes() for file in files] or [generated(seed) for seed in range(100)]


def generated(seed: int) -> bytes:
    """A JPEG about as large and as hard to decode as a photograph of 320 pixels."""
    rough = np.random.default_rng(seed).integers(0, 255, (40, 53, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rough).resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def as_png(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def in_folders(root: Path, images: list[bytes], count: int, ending: str) -> Path:
    for i in range(count):
        folder = root / f"class{i % 100:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:06}.{ending}").write_bytes(images[i % len(images)])
    return root


def in_shards(root: Path, images: list[bytes], count: int) -> Path:
    root.mkdir()
    for start in range(0, count, 1000):
        with tarfile.open(root / f"{start // 1000:05}.tar", "w") as tar:
            for i in range(start, min(start + 1000, count)):
                fields = json.dumps({"captions": [f"a photo, number {i}"], "n": i}).encode()
                for ending, data in (("jpg", images[i % len(images)]), ("json", fields)):
                    member = tarfile.TarInfo(f"s{i:06}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return root


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bring_in(workspace: Workspace, source: Path, dataset: str) -> None:
    params = {"path": str(source), "dataset": dataset, "importer": None, "options": {}}
    workspace.jobs.submit("import", params, title="benchmark")
    job = workspace.jobs.claim("benchmark")
    assert job is not None
    result = import_job.run(job, workspace, Control(job, workspace, "benchmark"))
    workspace.jobs.finish(job.id, "benchmark", result)
    assert result["skipped"] == 0, result


def decode_files(files: list[Path]) -> None:
    def one(path: Path) -> None:
        with Image.open(path) as image:
            image.convert("RGB")

    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(one, files))


def rounds(
    source: Path, files: list[Path], count: int, scratch: Path
) -> Iterator[tuple[float, float, float]]:
    """Files a second of (import, Pillow loop, import of what is there), for ever."""
    number = 0
    while True:
        number += 1
        with Workspace.open(scratch / f"{source.name}-{number}") as workspace:
            brought = timed(lambda w=workspace: bring_in(w, source, "d"))
            looped = timed(lambda: decode_files(files))
            again = timed(lambda w=workspace: bring_in(w, source, "d"))
        yield count / brought, count / looped, count / again


def report(title: str, figures: list[tuple[float, float, float]]) -> None:
    brought, looped, again = (statistics.median(column) for column in zip(*figures, strict=True))
    ratio = statistics.median(a / b for a, b, _ in figures)
    print(f"{title:<14} {brought:>9,.0f} {looped:>12,.0f} {ratio:>7.2f} {again:>12,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=3000, help="how many files")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each; medians are printed")
    options = parser.parse_args()
    photos = originals()
    kind = "photographs" if PHOTOS.is_dir() else "generated images"
    print(f"{options.files:,} files from {len(photos)} {kind}, {threads()} threads, files a second")
    print(f"{'source':<14} {'import':>9} {'Pillow loop':>12} {'ratio':>7} {'import again':>12}")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        jpegs = in_folders(scratch / "jpeg", photos, options.files, "jpg")
        files = sorted(jpegs.rglob("*.jpg"))
        shards = in_shards(scratch / "shards", photos, options.files)
        pngs = in_folders(scratch / "png", [as_png(p) for p in photos], options.files, "png")
        sources = (
            ("JPEG folder", jpegs, files),
            ("JPEG shards", shards, files),
            ("PNG folder", pngs, sorted(pngs.rglob("*.png"))),
        )
        for title, source, loop in sources:
            turns = rounds(source, loop, options.files, scratch)
            report(title, [next(turns) for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
