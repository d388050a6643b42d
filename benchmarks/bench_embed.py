"""Embedding against the bare forward pass: images per second, and their ratio.

The pipeline is the worker's job: read, decode, resize, compute, publish, report. The bare forward
pass runs the same model over tensors that are in memory already, in the better of two ways: one
batch at a time on all cores, or a batch on each core. The decode-only rate reads, decodes and
resizes the same images and computes nothing. All take turns in the same run.

On a GPU decoding runs beside the forward pass, so the slower of the two is the limit. On a CPU
both need the same cores, so no pipeline can do more than 1 / (1/forward + 1/decode): that limit is
printed too, and which of the two costs more. Where the model costs more, the ratio to the bare
forward pass should be at least 0.95; where it cannot be, the ratio to the limit should.

The last table asks one text after the other while a job embeds: the delay over the same query on
the idle machine should stay below 300 ms.

    python benchmarks/bench_embed.py [--photos N] [--rounds R] [--device auto]

The photographs in ../shared/data/photos with ViT-B-32 (random weights), and the sample test images
with glyph-clip.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker sets it

import numpy as np  # noqa: E402
import torch  # noqa: E402

from sample_data import models_dir  # noqa: E402
from store.workspace import Workspace  # noqa: E402
from workbench.gpu.encoder import Encoder  # noqa: E402
from workbench.gpu.loading import Load, ahead, threads  # noqa: E402
from workbench.worker import embed_job, import_job  # noqa: E402
from workbench.worker.adopt import register  # noqa: E402
from workbench.worker.control import Control  # noqa: E402
from workbench.worker.models import Models  # noqa: E402

PHOTOS = ROOT.parent / "shared" / "data" / "photos"
BATCH = 16
WAIT_MS = 300


class Case:
    """One dataset and one model."""

    def __init__(self, workspace: Workspace, models: Models, dataset: str, model: str) -> None:
        self.workspace, self.models = workspace, models
        self.dataset, self.model = dataset, model
        self.encoder: Encoder = models.get(model)
        columns = ["item", "uri", "offset", "length"]
        rows = workspace.tables.items(dataset, columns=columns).to_pylist()
        self.loads = [Load(*(row[name] for name in columns)) for row in rows]
        pixels = np.stack([self.pixels(load) for load in self.loads])
        self.count = len(pixels)
        size = BATCH if self.encoder.device.kind == "cpu" else 256
        self.batches = [
            self.encoder.preprocess.normalise(
                torch.from_numpy(pixels[at : at + size]).to(self.encoder.device.torch)
            )
            for at in range(0, self.count, size)
        ]

    def pixels(self, load: Load):
        """Read, decode and resize one image."""
        data = self.workspace.read_image(load.uri, load.offset, load.length)
        return self.encoder.preprocess.decode(data, load.name)

    def forward(self, batch: torch.Tensor) -> None:
        """The model alone."""
        with torch.inference_mode(), self.encoder.casting():
            self.encoder.model.encode_image(batch, normalize=True).float().cpu()

    def together(self) -> None:
        """One batch at a time, all cores on each."""
        torch.set_num_threads(threads())
        for batch in self.batches:
            self.forward(batch)

    def apart(self) -> None:
        """A batch on each core."""
        with ThreadPoolExecutor(
            threads(), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            list(pool.map(self.forward, self.batches))

    def decode(self) -> None:
        """Read, decode and resize on every core."""
        stream = enumerate(self.loads)
        for _ in ahead(stream, self.pixels, window=lambda: 64):
            pass

    def job(self) -> None:
        """The embed job from its claim to its result."""
        key = self.workspace.catalog.model(self.model).key
        self.workspace.vectors.drop(self.dataset, key)
        params = {"dataset": self.dataset, "model": self.model, "sides": ["image"]}
        self.workspace.jobs.submit("embed", params, title="embed")
        job = self.workspace.jobs.claim("bench")
        assert job is not None
        control = Control(job, self.workspace, "bench", models=self.models)
        self.workspace.jobs.finish(job.id, "bench", embed_job.run(job, self.workspace, control))

    def measure(self, rounds: int) -> None:
        """Let all take turns, and print the medians."""
        cpu = self.encoder.device.kind == "cpu"
        steps: dict[str, Callable[[], None]] = {"together": self.together, "decode": self.decode}
        steps |= {"apart": self.apart} if cpu else {}
        steps["pipeline"] = self.job
        self.forward(self.batches[0])
        rates: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(rounds):
            for name, step in steps.items():
                began = time.perf_counter()
                step()
                rates[name].append(self.count / (time.perf_counter() - began))
        self.show({name: statistics.median(found) for name, found in rates.items()}, cpu)

    def show(self, rates: dict[str, float], cpu: bool) -> None:
        """Print rates, ratios and the limit."""
        bare, decode = max(rates["together"], rates.get("apart", 0.0)), rates["decode"]
        limit = 1 / (1 / bare + 1 / decode) if cpu else min(bare, decode)
        slower = "the model" if bare <= decode else "decoding"
        print(f"{self.model} on {self.count} images of {self.dataset}, {self.encoder.device.title}")
        for name, words in (
            ("together", "bare forward, all cores on a batch"),
            ("apart", "bare forward, a batch on each core"),
            ("decode", "read, decode and resize only"),
            ("pipeline", "the embed job"),
        ):
            if name in rates:
                print(f"  {words:36} {rates[name]:9.1f} images/s")
        print(
            f"  {'limit of ' + ('shared cores' if cpu else 'the slower'):36} {limit:9.1f} images/s"
        )
        print(f"  job / bare forward {rates['pipeline'] / bare:.3f}   job / limit "
              f"{rates['pipeline'] / limit:.3f}   the bottleneck is {slower}")  # fmt: skip


def ask(models: Models, model: str, count: int, prefix: str) -> list[float]:
    """Seconds of one new text after the other."""
    found = []
    with ThreadPoolExecutor(1) as query:  # as in the server: one thread, always the same
        for number in range(count):
            began = time.perf_counter()
            text = f"{prefix} {number}"
            query.submit(models.query, model, 1, lambda e, t=text: e.encode_texts([t])).result()
            found.append(time.perf_counter() - began)
            time.sleep(0.02)
    return found


def queries(case: Case, models: Models, count: int = 40) -> None:
    """Texts asked of the model while it embeds in the background."""
    ask(models, case.model, 6, "warm")
    alone = ask(models, case.model, count, "alone")
    job = threading.Thread(target=case.job)
    job.start()
    time.sleep(1.0)
    busy = []
    while job.is_alive() and len(busy) < count:
        busy += ask(models, case.model, 1, f"busy {len(busy)}")
    during = job.is_alive()
    job.join()
    middle, worst = statistics.median(alone) * 1000, max(alone) * 1000
    print(f"a text asked of {case.model}: {middle:.0f} ms alone (worst {worst:.0f})")
    middle_busy, worst_busy = statistics.median(busy) * 1000, max(busy) * 1000
    print(f"  while it embeds: {middle_busy:.0f} ms (worst {worst_busy:.0f}), {len(busy)} texts"
          f"{'' if during else ', the job ended before the last'}")  # fmt: skip
    print(f"  delay {middle_busy - middle:.0f} ms, worst {worst_busy - middle:.0f}; "
          f"limit {WAIT_MS} ms")  # fmt: skip


def bring(workspace: Workspace, source: Path, dataset: str) -> None:
    params = {"path": str(source), "dataset": dataset, "importer": None, "options": {}}
    workspace.jobs.submit("import", params, title="import")
    job = workspace.jobs.claim("bench")
    assert job is not None
    result = import_job.run(job, workspace, Control(job, workspace, "bench"))
    workspace.jobs.finish(job.id, "bench", result)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=150, help="how many photographs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{threads()} cores, load {load:.1f} at the start; figures of a busy machine vary")
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace.open(Path(folder) / "space") as workspace,
    ):
        models = Models(workspace, options.device)
        models.prepare()
        photos = sorted(PHOTOS.rglob("*.jpg"))[: options.photos]
        if photos:
            copied = Path(folder) / "photos"
            copied.mkdir()
            for photo in photos:
                shutil.copy(photo, copied)
            bring(workspace, copied, "photos")
            register(workspace, models.device, "ViT-B-32", "random:0", "ViT-B-32", "auto")
            case = Case(workspace, models, "photos", "ViT-B-32")
            case.measure(options.rounds)
            queries(case, models)
        else:
            print(f"no photographs in {PHOTOS}: ViT-B-32 is left out")
        bring(workspace, ROOT / "sample_data" / "test", "test")
        bundle = str(models_dir() / "glyph-clip")
        register(workspace, models.device, "", bundle, "glyph-clip", "auto")
        Case(workspace, models, "test", "glyph-clip").measure(options.rounds)


if __name__ == "__main__":
    main()
