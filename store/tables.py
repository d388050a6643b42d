"""The tables of a dataset: publishing parts of them, and every question about them."""

from __future__ import annotations

from pathlib import Path

from store.captions import Captions
from store.duckdb_file import write_duckdb_file
from store.summaries import Summaries

__all__ = ["Tables"]


class Tables(Summaries, Captions):
    """Items and captions of every dataset. Safe to share between threads.

    Publishing is in ``store.parts``, questions about items in ``store.asking``, about captions in
    ``store.captions``, summaries of columns in ``store.summaries``.
    """

    def duckdb_file(self, path: Path) -> None:
        """Write a DuckDB file of views: see ``store.duckdb_file``."""
        write_duckdb_file(self.root, self.catalog, path)
