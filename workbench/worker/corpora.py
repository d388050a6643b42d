"""The corpora of a workspace: the sample's captions, every dataset's own, and files.

A corpus has ``shards`` with ``number``, and ``read(shard, report)`` gives tables of number, caption
and where, always the same: see ``workbench.longtail.corpus_files``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pyarrow as pa

from workbench.errors import UnknownName
from workbench.longtail.corpus_files import SCHEMA, open_corpus
from workbench.longtail.corpus_report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from store.workspace import Workspace

__all__ = ["SAMPLE", "CorpusInfo", "Readable", "corpora", "corpus_named", "opened"]

SAMPLE = "pretrain"
"""The captions that the sample's models were trained on; there from the start."""

_DATASET_ROWS = 100_000


@dataclass(frozen=True)
class CorpusInfo:
    """One corpus.

    Args:
        name: of a dataset for its own captions.
        kind: the sample's, a dataset's own captions, or files.
        paths: of files; empty for a dataset.
        column: that holds the captions; None finds it by name.
        captions: how many there are; -1 where nobody has counted.
    """

    name: str
    kind: Literal["sample", "dataset", "files"]
    paths: tuple[str, ...] = ()
    column: str | None = None
    captions: int = -1


class Readable(Protocol):
    """A corpus that can be read shard by shard."""

    @property
    def shards(self) -> Sequence[Any]:
        """Parts, each with a ``number`` and its size in ``bytes``."""

    @property
    def key(self) -> str:
        """Version: another one when what is read may be different."""

    def read(self, shard: Any, report: Report | None = None) -> Iterator[pa.Table]:
        """Tables of number, caption and where."""


@dataclass(frozen=True)
class _Rows:
    number: int
    bytes: int
    first: int
    stop: int


@dataclass(frozen=True)
class _DatasetCaptions:
    """The captions of a dataset; a caption's number is its row."""

    workspace: Workspace
    dataset: str

    @property
    def shards(self) -> tuple[_Rows, ...]:
        count = self.workspace.catalog.dataset(self.dataset).captions
        edges = range(0, count, _DATASET_ROWS)
        return tuple(
            _Rows(n, min(_DATASET_ROWS, count - at), at, min(count, at + _DATASET_ROWS))
            for n, at in enumerate(edges)
        )

    @property
    def key(self) -> str:
        return "-".join(map(str, self.workspace.catalog.identity(self.dataset)))

    def read(self, shard: _Rows, report: Report | None = None) -> Iterator[pa.Table]:
        rows = np.arange(shard.first, shard.stop)
        found = self.workspace.tables.captions(self.dataset, rows)
        where = [f"{self.dataset}, item row {row}" for row in found["item_row"].to_pylist()]
        texts = found["text"].cast(pa.string())
        if report is not None:
            report.captions += len(found)
            report.empty += sum(not (text or "").strip() for text in texts.to_pylist())
        columns = [found["row"].cast(pa.int64()), texts, pa.array(where, pa.string())]
        yield pa.table(columns, schema=SCHEMA)


def corpora(workspace: Workspace) -> tuple[CorpusInfo, ...]:
    """Every corpus: the sample's, then those that a person added, then datasets' own captions."""
    from sample_data import pretrain_captions

    found = []
    if pretrain_captions().is_file():
        found.append(CorpusInfo(SAMPLE, "sample", (str(pretrain_captions()),), "caption"))
    for name in workspace.corpora.names():
        content = workspace.corpora.get(name)
        found.append(CorpusInfo(name, "files", tuple(content["paths"]), content["column"]))
    found += [
        CorpusInfo(info.name, "dataset", captions=info.captions)
        for info in workspace.catalog.datasets()
        if info.captions
    ]
    return tuple(found)


def corpus_named(workspace: Workspace, name: str) -> CorpusInfo:
    """One corpus by its name.

    Raises:
        UnknownName: there is none.
    """
    known = corpora(workspace)
    for each in known:
        if each.name == name:
            return each
    raise UnknownName("corpus", name, [each.name for each in known])


def opened(workspace: Workspace, info: CorpusInfo) -> Readable:
    """A corpus to be read.

    Raises:
        InputError: a file that is gone, of an unknown kind, or without the column.
    """
    if info.kind == "dataset":
        return _DatasetCaptions(workspace, info.name)
    column = info.column
    place = int(column) if column is not None and column.isdigit() else column
    return open_corpus([Path(path) for path in info.paths], place)
