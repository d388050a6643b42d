"""How long the server needs to draw the Errors page again, by images and by classes.

Synthetic datasets of 100,000 and 1,000,000 images (512 dimensions) are evaluated by the zero-shot
job itself with random prompts, so that every table is as large as in life; then each tab is drawn
cold once and then again and again, as after a click. The limits are 200 ms at 100,000 predictions
and 400 ms at 1,000,000. The confusion matrix is drawn at 1,000 and at 10,000 classes too. The time
and the largest memory of the job are printed beside.

    python benchmarks/bench_errors.py [IMAGES:CLASSES ...] [--prompts P] [--head NAME ...]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks import bench_pages  # noqa: E402

LIMITS_MS = {100_000: 200.0, 1_000_000: 400.0}
AGAIN = 5
VIEWS = (
    {"tab": "Classes", "class": "7"},
    {"tab": "Confusion"},
    {"tab": "Confusion", "row": "1", "column": "2"},
    {"tab": "Gallery"},
    {"tab": "Gallery", "order": "most confident first", "where": '[["style","in",["s1"]]]'},
    {"tab": "Review"},
    {"tab": "Why", "at": "5"},
)


class _Control:
    def tick(self, *args, **kwargs) -> None:
        pass

    def check(self) -> None:
        pass


def evaluate(root: Path, images: int, classes: int, prompts: int, head: str) -> None:
    """Run the job in this process, with random vectors for prompts near the images' own."""
    import numpy as np

    from tests.pages import small_world
    from workbench.api import open_workspace
    from workbench.prompts.classes import ClassSet
    from workbench.prompts.prompt_sets import PromptSet
    from workbench.worker import zero_shot_job

    bench = open_workspace(root)
    names = ClassSet(tuple(f"class {n}" for n in range(classes)))
    texts = PromptSet("templates", tuple(f"{{}} {n}" for n in range(prompts)))

    def vectors(workspace, control, model, given):
        rng = np.random.default_rng(1)
        others = rng.standard_normal((max(0, classes - 1000), bench_pages.DIM), dtype=np.float32)
        centres = np.concatenate([label_centres()[:classes], others])
        found = np.repeat(centres, prompts, axis=0)
        found += 0.3 * rng.standard_normal(found.shape, dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    zero_shot_job.text_vectors = vectors
    job = bench.submit_zero_shot(
        "big", small_world.model("alpha").key, classes=names, prompts=texts, head=head
    )
    rested, peak, stop = _resident(), [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    run = bench.workspace.runs.get(zero_shot_job.run(job, bench.workspace, _Control())["run"])
    took = time.perf_counter() - began
    stop.set()
    watcher.join()
    print(
        f"{images:>9,} x {classes:,} x {prompts}  {head}: {took:.1f} s, {images / took:,.0f} "
        f"images/s, memory {rested / 1e6:,.0f} MB at rest and at most {peak[0] / 1e6:,.0f} MB, "
        f"top-1 {run.result['measures']['top1']['value']:.3f}"
    )
    bench.close()


def label_centres():
    """float32 (1000, DIM): ten labels share most of a direction and are taken for one another."""
    import numpy as np

    rng = np.random.default_rng(0)
    families = np.repeat(rng.standard_normal((100, bench_pages.DIM), dtype=np.float32), 10, axis=0)
    own = rng.standard_normal((1000, bench_pages.DIM), dtype=np.float32)
    found = families + 0.25 * own
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _resident() -> int:
    """Memory of this process without file pages that are only mapped, bytes."""
    import psutil

    info = psutil.Process().memory_info()
    return info.rss - info.shared


def measure(root: Path, images: int, classes: int) -> bool:
    """Draw every view cold and again; print a line for each; True when all are in the limit."""
    import psutil
    from streamlit.testing.v1 import AppTest

    from pages.shared import handle
    from workbench.api import Workbench

    os.environ["WORKBENCH_WORKSPACE"] = str(root)
    handle.prepare = lambda: None
    Workbench.ensure_worker = lambda self: None
    limit, sound = LIMITS_MS.get(images, 200.0), True
    for params in VIEWS:
        app = AppTest.from_file(str(ROOT / "pages" / "shared" / "frame.py"), default_timeout=300)
        app.switch_page("../errors.py")
        for name, value in params.items():
            app.query_params[name] = value
        first, *again = [bench_pages._run(app) for _ in range(1 + AGAIN)]
        middle = statistics.median(again)
        sound &= middle <= limit
        words = " ".join(f"{name}={value}" for name, value in params.items())
        print(
            f"{images:>9,} x {classes:,}  first {first:7.0f} ms, again {middle:6.0f} ms = "
            f"{middle / limit:.2f} of the limit   {words}",
            flush=True,
        )
    print(f"memory of the app {psutil.Process().memory_info().rss / 1e6:,.0f} MB")
    return sound


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", default=["100000:1000", "100000:10000", "1000000:1000"])
    parser.add_argument("--prompts", type=int, default=1)
    parser.add_argument("--head", nargs="+", default=["mean"])
    parser.add_argument("--no-pages", action="store_true", help="evaluate only")
    parser.add_argument("--strict", action="store_true", help="fail above a limit")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        images, classes = (int(each) for each in args.sizes[0].split(":"))
        if args.step == "evaluate":
            evaluate(args.root, images, classes, args.prompts, args.head[0])
            return 0
        return int(not measure(args.root, images, classes))
    sound = True
    for size in args.sizes:
        with tempfile.TemporaryDirectory(prefix="bench-errors-") as folder:
            root = Path(folder) / "workspace"
            bench_pages.build(root, int(size.split(":")[0]), label_centres())
            base = [sys.executable, __file__, size, "--root", str(root)]
            base += ["--prompts", str(args.prompts)]
            for head in args.head:
                subprocess.run([*base, "--step", "evaluate", "--head", head], check=True)
            if not args.no_pages:
                sound &= subprocess.run([*base, "--step", "measure"], check=False).returncode == 0
    return int(args.strict and not sound)


if __name__ == "__main__":
    sys.exit(main())
