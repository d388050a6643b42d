"""How long the server needs to draw each page again, and how much memory the app takes.

For workspaces of 5,000, 100,000 and 1,000,000 items (synthetic rows that share a few pictures,
captions, 512-dimensional vectors), each page is drawn once cold and then again and again, as after
a click. The limit is 200 ms at 100,000 items. Text is encoded by a stand-in of the worker, so that
the model's own time is not counted; everything else is the app as it runs.

    python benchmarks/bench_pages.py [ITEMS ...]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

LIMIT_MS = 200.0
DIM, PART, AGAIN, SPREAD = 512, 50_000, 5, 0.05
VIEWS = (
    ("overview", {}),
    ("datasets", {"dataset": "big"}),
    ("datasets", {"dataset": "big", "sort": "size", "where": '[["style","in",["s1"]]]'}),
    ("datasets", {"dataset": "big", "tab": "Report"}),
    ("retrieval", {"dataset": "big", "q": "a red apple"}),
    ("retrieval", {"dataset": "big", "q": "a red apple", "where": '[["group","in",["g7"]]]'}),
    ("models", {}),
    ("jobs", {}),
)


def build(root: Path, items: int, centres=None) -> None:
    """A workspace with one dataset of this many items, and one model that embedded them.

    With ``centres`` (1000, DIM) an image lies about the centre of its label.
    """
    import numpy as np

    from tests.pages import small_world
    from workbench.api import open_workspace

    bench = open_workspace(root)
    bench.set_setting("sample", "removed")
    pictures = [small_world.draw(c, "disc", n) for c in small_world.COLOURS for n in range(8)]
    sources = bench.workspace.tables.put_blob("big", pictures) if _made(bench) else []
    for start in range(0, items, PART):
        append(bench, start, min(items, start + PART), sources, pictures)
    info = small_world.model("alpha")
    bench.workspace.catalog.add_model(info.__class__(**{**info.__dict__, "dim": DIM}))
    random = np.random.default_rng(0)
    for start in range(0, items, PART):
        found = random.standard_normal((min(PART, items - start), DIM), dtype=np.float32)
        if centres is not None:
            found = SPREAD * found + centres[np.arange(start, start + len(found)) % len(centres)]
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        bench.workspace.vectors.write("big", info.key, "image", start, found.astype(np.float16))
    bench.workspace.indexes.build("big", info.key, "image")
    bench.close()


def _made(bench) -> bool:
    bench.workspace.catalog.ensure_dataset("big", importer="folder", source="/big", info={})
    return True


def append(bench, start: int, stop: int, sources, pictures) -> None:
    import numpy as np
    import pyarrow as pa

    rows = np.arange(start, stop)
    used = [sources[row % len(sources)] for row in rows]
    items = pa.table(
        {
            "item": [f"image-{row:07d}.png" for row in rows],
            "uri": [source.uri for source in used],
            "offset": [source.offset for source in used],
            "length": [source.length for source in used],
            "width": np.full(len(rows), 96),
            "height": 96 + rows % 8,
            "format": ["PNG"] * len(rows),
            "bytes": [len(pictures[row % len(pictures)]) for row in rows],
            "digest": [f"{row % len(pictures):032x}" for row in rows],
            "label": [f"class {row % 1000}" for row in rows],
            "style": [f"s{row % 4}" for row in rows],
            "group": [f"g{row % 100}" for row in rows],
            "size": np.random.default_rng(start).random(len(rows)),
        }
    )
    texts = pa.table({"item_index": rows - start, "text": [f"a picture of {r}" for r in rows]})
    bench.workspace.tables.append("big", items, texts)


def measure(root: Path, items: int) -> None:
    """Draw every view cold and again; print a line for each, then the memory."""
    import os

    import numpy as np
    import psutil
    from streamlit.testing.v1 import AppTest

    from pages.shared import handle
    from workbench.api import Workbench

    os.environ["WORKBENCH_WORKSPACE"] = str(root)
    handle.prepare = lambda: None
    Workbench.ensure_worker = lambda self: None
    Workbench._texts = lambda self, model, texts: np.stack([_vector(text) for text in texts])
    worst = 0.0
    for module, params in VIEWS:
        app = AppTest.from_file(str(ROOT / "pages" / "shared" / "frame.py"), default_timeout=120)
        app.switch_page(f"../{module}.py")
        for name, value in params.items():
            app.query_params[name] = value
        first, *again = [_run(app) for _ in range(1 + AGAIN)]
        middle = statistics.median(again)
        worst = max(worst, middle)
        words = " ".join(f"{name}={value}" for name, value in params.items())
        print(f"{items:>9,}  {module:<10} {first:7.0f} ms {middle:7.0f} ms   {words}")
    resident = psutil.Process().memory_info().rss / 1e6
    print(
        f"{items:>9,}  slowest again {worst:.0f} ms = {worst / LIMIT_MS:.2f} of the limit", end=""
    )
    print(f"; memory of the app {resident:,.0f} MB")


def _run(app) -> float:
    start = time.perf_counter()
    app.run()
    took = 1000 * (time.perf_counter() - start)
    assert not app.exception and not app.error, (app.exception, [e.value for e in app.error])
    return took


def _vector(text: str):
    import numpy as np

    made = np.random.default_rng(len(text)).standard_normal(DIM).astype(np.float32)
    return made / np.linalg.norm(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", nargs="*", type=int, default=[5_000, 100_000, 1_000_000])
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.root:
        measure(chosen.root, chosen.items[0])
        return
    print("    items  page          first     again   view")
    for items in chosen.items:
        with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
            root = Path(folder) / "workspace"
            build(root, items)
            command = [sys.executable, __file__, str(items), "--root", str(root)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
