"""A small workspace for the long tail: captions whose counts are known, and images to match.

Dataset ``things`` has 12 classes (colour and shape) of 8 images, ``shapes`` and ``plain`` are as
in ``small_world``. Two files of captions, the corpus ``web``, name class c in ``COUNTS[c]``
captions; images of rare classes are noisier, so accuracy follows log frequency. Jobs run in this
process.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.pages import evaluated, small_world
from workbench.api import Workbench
from workbench.prompts.classes import ClassSet
from workbench.types import Floats
from workbench.worker import balance_job, count_job, review_job, synonyms_job, zero_shot_job

__all__ = [
    "ALONE",
    "CLASSES",
    "COUNTS",
    "EMPTY",
    "LINES",
    "NASTY",
    "PAIR",
    "PROBLEMS",
    "PUBLISHED_ACCURACIES",
    "PUBLISHED_COUNTS",
    "SYNONYM_COUNTS",
    "World",
    "build",
    "work_off",
]

_KINDS = [f"{colour} {shape}" for colour in small_world.COLOURS for shape in small_world.SHAPES]

_CALLED = {"blue square": "blue box", "green square": "green box"}
"""Classes whose own name is rare; what the label says is their synonym."""

CLASSES = ClassSet(
    names=tuple(_CALLED.get(kind, kind) for kind in _KINDS),
    labels=tuple(_KINDS),
    synonyms=tuple(
        (kind,) if kind in _CALLED else (kind.replace("disc", "circle"),) * kind.endswith("disc")
        for kind in _KINDS
    ),
)
"""Twelve classes; discs are also circles, and two squares are called boxes."""

COUNTS = dict(zip(CLASSES.names, (512, 300, 180, 110, 64, 40, 25, 14, 9, 5, 2, 0), strict=True))
"""Captions of ``web`` with any of a class's names, by rule ``words``; the last has none."""

SYNONYM_COUNTS = {"blue box": (3, 11), "green box": (10, 54), "yellow disc": (5, 0)}
"""Class -> captions with its name, and with its one synonym; other synonyms occur nowhere."""

PAIR = ("red disc", "red square")
"""The two classes that 20 captions name together; no other two stand in one caption."""

ALONE = 492
"""Captions that name red discs and nothing else."""

EMPTY, PROBLEMS = 2, 1
"""Empty captions, and lines that cannot be read."""

NASTY = "a <b>red disc</b> <script>window.hacked = 1</script> **bold** :red[x] $x$"
"""One of the captions of red discs; it must show as it is written."""

LINES = sum(COUNTS.values()) - 20 + EMPTY + 6
"""Captions of ``web``: those with classes, the empty ones, and six that name none."""

PUBLISHED_COUNTS = "concept_counts.csv"
PUBLISHED_ACCURACIES = "class_accuracy.csv"

_TOGETHER = 20
_JOBS = {
    job.KIND: job.run for job in (count_job, synonyms_job, balance_job, review_job, zero_shot_job)
}


@dataclass(frozen=True)
class World:
    """Keys of what was made.

    Args:
        run: zero-shot run of ``alpha`` on ``things`` with ``CLASSES``, the mean of two templates.
        count: counting of ``CLASSES`` with synonyms in ``web`` by ``words``.
        own_count: the same in the captions of ``things`` itself.
        bare_count: the classes' names alone in ``web``.
        synonyms: run of the job accuracy by synonym.
        balance: of ``count`` at a cap of 50.
        frequent: the zero-shot run with the most frequent names.
        counts: published counts, as read in; ``accuracies`` alike.
        files: folder of the captions and of the published tables.
    """

    run: str
    count: str
    own_count: str
    bare_count: str
    synonyms: str
    balance: str
    frequent: str
    counts: str
    accuracies: str
    files: Path

    def save(self, path: Path) -> None:
        """Write the keys beside a workspace, for tests that open a copy of it."""
        path.write_text(json.dumps({**vars(self), "files": str(self.files)}), "utf-8")

    @classmethod
    def load(cls, path: Path) -> World:
        """Read the keys that ``save`` wrote."""
        told = json.loads(path.read_text("utf-8"))
        return cls(**{**told, "files": Path(told["files"])})


def build(bench: Workbench, files: Path) -> World:
    """Fill a workspace made by ``small_world.build``; returns the keys of what is in it.

    Args:
        bench: with model ``alpha``.
        files: folder for captions and published tables, which a copy of the workspace shares.
    """
    files.mkdir(parents=True, exist_ok=True)
    _things(bench)
    bench.save_class_set("things", CLASSES)
    bench.add_corpus("web", list(_captions(files)))
    run = _evaluated(bench)
    count = _done(bench, bench.submit_count("web", classes=CLASSES))
    own = _done(bench, bench.submit_count("things", classes=CLASSES))
    bare = _done(bench, bench.submit_count("web", classes=CLASSES, synonyms=False))
    _published(files)
    return World(
        run=run,
        count=count,
        own_count=own,
        bare_count=bare,
        synonyms=_done(bench, bench.submit_synonyms(run)),
        balance=_done(bench, bench.submit_balance(count, 50)),
        frequent=_done(bench, bench.submit_frequent_names(run, count)),
        counts=bench.add_published(files / PUBLISHED_COUNTS).key,
        accuracies=bench.add_published(files / PUBLISHED_ACCURACIES, accuracies=True).key,
        files=files,
    )


def work_off(bench: Workbench) -> dict[str, Any]:
    """Run the job that waits, of any kind of the long tail; returns its result."""
    job = bench.workspace.jobs.claim("w")
    assert job is not None
    result = dict(_JOBS[job.kind](job, bench.workspace, evaluated._Control()))
    bench.workspace.jobs.finish(job.id, "w", result)
    return result


def _done(bench: Workbench, job: Any) -> str:
    found = work_off(bench)
    assert bench.job(job.id).state == "done"
    return str(found["run"])


def _evaluated(bench: Workbench) -> str:
    job = bench.submit_zero_shot("things", "alpha", classes=CLASSES, prompts=evaluated.PROMPTS)
    return _done(bench, job)


def _things(bench: Workbench) -> None:
    """The dataset: rarer classes have noisier images; captions say what is seen."""
    things = [tuple(kind.split()) for kind in _KINDS]
    each = [(*thing, n) for thing in things for n in range(small_world.EACH)]
    pictures = [small_world.draw(*one) for one in each]
    tables, catalog = bench.workspace.tables, bench.workspace.catalog
    catalog.ensure_dataset("things", importer="folder", source="/data/things", info={})
    items = small_world._items(each, pictures, tables.put_blob("things", pictures))
    labels = pa.array([f"{colour} {shape}" for colour, shape, _ in each])
    items = items.set_column(items.column_names.index("label"), "label", labels)
    texts = [f"a {colour} {shape} of {n + 1}" for colour, shape, n in each]
    captions = pa.table({"item_index": list(range(len(texts))), "text": pa.array(texts)})
    tables.append("things", items, captions, skipped=[])
    key = small_world.model("alpha").key
    vectors = np.stack([_vector(f"{colour} {shape}", n) for colour, shape, n in each])
    bench.workspace.vectors.write("things", key, "image", 0, vectors.astype(np.float16))


def _vector(kind: str, nth: int) -> Floats:
    place = _KINDS.index(kind)
    noise = np.random.default_rng(1000 * place + nth).normal(0, 0.05 + 0.05 * place, 16)
    vector = small_world.encode(f"{kind} picture {nth}") + noise
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _captions(files: Path) -> Iterator[Path]:
    """A packed text file and JSON lines, one of them broken."""
    lines = [*_lines(), "", "nothing here", "a red car", "a disc that is red", "blue", "circle"]
    half = len(lines) // 2
    path = files / "web.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines[:half]).encode() + b"\n", mtime=0))
    yield path
    rows = [json.dumps({"caption": line}) for line in lines[half:]]
    rows.insert(7, '{"caption": "cut in the')
    path = files / "web.jsonl"
    path.write_text("\n".join([*rows, '{"caption": ""}', '{"caption": "the end"}']), "utf-8")
    yield path


def _lines() -> Iterator[str]:
    yield NASTY
    for nth in range(_TOGETHER):
        yield f"{PAIR[0]} beside a {PAIR[1]} of {nth}"
    for name, (first, second) in SYNONYM_COUNTS.items():
        (synonym,) = CLASSES.synonyms[CLASSES.names.index(name)]
        yield from (f"A {name} from shop {nth}" for nth in range(first))
        yield from (f"one {synonym}, number {nth}" for nth in range(second))
    for name, count in COUNTS.items():
        left = count - _TOGETHER * (name in PAIR) - (name == PAIR[0])
        if name not in SYNONYM_COUNTS:
            yield from (f"photo {nth} of the {name.upper()}" for nth in range(left))


def _published(files: Path) -> None:
    """Counts of two corpora and accuracies of two models, of 40 classes of two benchmarks."""
    counts = ["benchmark,pretraining,method,concept,count"]
    accuracies = ["benchmark,prompts,backbone,pretrained,concept,accuracy"]
    rng = np.random.default_rng(0)
    for benchmark, letter in (("cifar100", "c"), ("dtd", "d")):
        for place in range(20):
            for factor, corpus in enumerate(("cc3m", "cc12m"), 1):
                count = int(factor * 2 ** (place / 2))
                if place != 3:
                    counts.append(f"{benchmark},{corpus},lemmatized,{letter}{place},{count}")
                said = 20 + 3 * place + rng.normal(0, 4)
                row = f"{benchmark},cupl,RN50,{corpus},{letter}{place},{said:.3f}"
                accuracies.append(row)
    (files / PUBLISHED_COUNTS).write_text("\n".join(counts) + "\n", "utf-8")
    (files / PUBLISHED_ACCURACIES).write_text("\n".join(accuracies) + "\n", "utf-8")
