"""A LIMoE of random weights, items with images and captions, and recordings run in this process."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from tests.gpu.tiny import MERGES, picture
from workbench.api import Workbench
from workbench.gpu.limoe.bundle import export
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe
from workbench.types import JobInfo
from workbench.worker import routing_job
from workbench.worker.adopt import register
from workbench.worker.control import Control
from workbench.worker.models import Models

CONFIG = LimoeConfig(
    image_size=32, patch_size=8, context_length=12, vocab_size=512 + len(MERGES) + 2, width=16,
    layers=4, heads=2, hidden=16, embed_dim=16, moe_layers=(0, 2, 3), experts=4, top_k=2,
    capacity_factor=1.0,
)  # fmt: skip
WORDS = ("a red apple", "apple", "red red apple and more", "a plum")
LABELS = ("apple", "plum", None)


def bundle(folder: Path, config: LimoeConfig = CONFIG, seed: int = 0) -> Path:
    """A LIMoE with random weights, its routers far from undecided."""
    film = folder.parent / "training.jsonl"
    folder.parent.mkdir(parents=True, exist_ok=True)
    film.write_text("")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Limoe(config)
        for mixture in model.mixtures().values():
            mixture.router.weight.data.mul_(40)
    merges = gzip.compress("\n".join(["#version", *MERGES]).encode(), mtime=0)
    export(folder, model, merges, clean="lower", film=film)
    return folder


def fill(bench: Workbench, folder: Path, count: int, *, bare: tuple[int, ...] = ()) -> None:
    """Items ``d`` with pictures (none for ``bare``), captions (none for every fifth) and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, captions = [], []
    for number in range(count):
        path = folder / f"{number:04}.png"
        size = (40, 30) if number % 2 else (30, 48)
        path.write_bytes(picture(number, size))
        there = number not in bare
        rows.append(
            {"item": path.name, "uri": str(path) if there else None, "offset": 0 if there else None,
             "length": path.stat().st_size if there else None, "width": size[0], "height": size[1],
             "label": LABELS[number % 3]}
        )  # fmt: skip
        if number % 5:
            captions.append({"item_index": number, "text": WORDS[number % 4]})
            captions.append({"item_index": number, "text": "never seen"})
    bench.workspace.catalog.ensure_dataset("d", importer="test", source=str(folder), info={})
    bench.workspace.tables.append("d", pa.Table.from_pylist(rows), pa.Table.from_pylist(captions))


def with_model(bench: Workbench, folder: Path, name: str = "experts") -> Models:
    """Register a bundle; the worker's models on the CPU."""
    models = Models(bench.workspace, "cpu")
    models.prepare()
    register(bench.workspace, models.device, "", str(folder), name, "auto")
    return models


def perform(bench: Workbench, models: Models, job: JobInfo, control: Control | None = None) -> str:
    """Run a recording; its key."""
    jobs = bench.workspace.jobs
    claimed = jobs.claim("w")
    assert claimed is not None and claimed.id == job.id
    control = control or Control(claimed, bench.workspace, "w", models=models)
    try:
        result: Any = routing_job.run(claimed, bench.workspace, control)
    except Exception:
        jobs.release(job.id, "w")
        raise
    jobs.finish(job.id, "w", result)
    return str(result["run"])


def everything(bench: Workbench, key: str) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Result and tables without what another division of the tokens would change."""
    run = bench.workspace.runs.get(key)
    told = {name: v for name, v in run.result.items() if name not in ("seconds", "shards")}
    names = [name for name in run.tables if name != "held"]
    tables = {name: bench.workspace.runs.table(run, name) for name in names}
    return json.loads(json.dumps(told)), tables


def all_tokens(bench: Workbench, key: str) -> pa.Table:
    """The tokens of all shards, sorted."""
    runs = bench.workspace.runs
    shards = [runs.table(runs.get(k), "tokens") for k in runs.get(key).result["shards"]]
    joined = pa.concat_tables(shards).unify_dictionaries()
    joined = joined.set_column(4, "word", joined["word"].cast(pa.string()))
    return joined.sort_by([(name, "ascending") for name in joined.column_names[:4]])
