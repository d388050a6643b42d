"""How one search is answered: from the index, from the vectors, or from both.

Measured on one core with 512 numbers a vector, float16, k = 50; N rows in the index, n allowed:

- no index, or n < 400 + N / 100: the allowed vectors are read and scored, 0.7 us each. The index
  with a bitmap of the allowed rows costs 0.2 ms + N x 2.6 ns + n x 0.35 us: they met at n = 400,
  1,500 and 10,000 for N of 10 thousand, 100 thousand and a million.
- otherwise FAISS passes over its codes (0.2 us a row) and draws candidates, a few more than asked
  for; ``index_scores.score`` gives their final scores. If a row that was not drawn might still
  belong among the k best, given the rounding of FAISS's scores, more candidates are drawn.
- k beyond a tenth of the rows: everything is scored and sorted, 0.8 us a row.

Rows that came after the index was built are scored directly and merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.index_cover import Coverage
from store.index_reader import Reader
from store.index_scores import best, score
from store.vectors import Vectors
from workbench.types import Floats, Rows, Side

__all__ = ["Search"]

_GATHER = 4096
"""Vectors read at once when rows are scattered."""

_APPROXIMATE_DEPTH = 1000
"""Cells answer unfiltered searches to this rank; beyond it every cell is visited."""

_ROUNDING = 1e-5
"""Largest difference of two float32 sums of the same products of unit vectors."""

_HALF_ROUNDING = 5e-4
"""Added where the index holds float16 of float32 vectors: 2**-11 of each product."""


@dataclass(frozen=True)
class Search:
    """The rows that one search may find, and where their vectors and candidates come from.

    Args:
        key: dataset, model key, side.
        vectors: of the workspace.
        cover: rows with a vector.
        reader: the index; None when there is none.
        rows: allowed rows with a vector, ascending; None for all of them.
    """

    key: tuple[str, str, Side]
    vectors: Vectors
    cover: Coverage
    reader: Reader | None
    rows: Rows | None

    @property
    def considered(self) -> int:
        """Number of rows that are ranked."""
        return self.cover.count if self.rows is None else len(self.rows)

    def ranked(self, queries: Floats, k: int) -> tuple[list[tuple[Rows, Floats]], bool]:
        """The k best (rows, scores) of each query (Q, D), and whether that is the exact ranking."""
        reader = self.reader
        if reader is None or self._better_read(k):
            return [best(*self.scored(query), k) for query in queries], True
        nearby = reader.approximate and self.rows is None and k <= _APPROXIMATE_DEPTH
        found = [
            best(*self._with_fresh(query, *drawn), k)
            for query, drawn in zip(
                queries, self._candidates(reader, queries, k, nearby), strict=True
            )
        ]
        if any(len(rows) < k for rows, _ in found):  # the cells visited held too few
            return [best(*self.scored(query), k) for query in queries], True
        return found, not nearby

    def scored(self, query: Floats) -> tuple[Rows, Floats]:
        """Every allowed row, ascending, with its score."""
        if self.rows is not None:
            return self.rows, self._score(self.rows, query)
        scores = [score(block, query) for block in self._blocks()]
        return self.cover.rows(), np.concatenate([np.zeros(0, np.float32), *scores])

    @cached_property
    def _indexed(self) -> int:
        """Rows 0 to this - 1 are in the index."""
        return min(self.reader.info.rows, self.cover.prefix) if self.reader else 0

    @cached_property
    def _old(self) -> Rows | None:
        """Allowed rows inside the index; None for all of them."""
        return None if self.rows is None else self.rows[: np.searchsorted(self.rows, self._indexed)]

    @cached_property
    def _fresh(self) -> Rows:
        """Allowed rows that the index does not have."""
        if self.rows is None:
            return self.cover.rows(self._indexed)
        return self.rows[np.searchsorted(self.rows, self._indexed) :]

    @cached_property
    def _inside(self) -> int:
        """Number of allowed rows inside the index."""
        return self._indexed if self._old is None else len(self._old)

    @cached_property
    def _stored(self) -> NDArray[Any] | None:
        """The vectors inside the index, when they are the stored ones bit by bit."""
        vectors = None if self.reader is None else self.reader.vectors
        if vectors is None or self.cover.dtypes != {vectors.dtype.name}:
            return None
        return vectors[: self._indexed]

    def _unsure(self, lowest: float, scores: Floats, k: int, query: Floats) -> bool:
        """Whether a row that was not drawn may be among the k best.

        FAISS put all those at ``lowest`` or below; its scores are off by rounding.
        """
        if len(scores) < k:
            return True
        assert self.reader is not None
        halved = "float16" in self.reader.info.kind and self.cover.dtypes != {"float16"}
        rounding = _ROUNDING + _HALF_ROUNDING if halved else _ROUNDING
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        return bool(lowest + rounding * np.linalg.norm(query) >= kth)

    def _better_read(self, k: int) -> bool:
        """Whether reading all allowed vectors beats asking the index."""
        # Rows that the index does not hold bit by bit come from many small files: slower.
        few = 200 if self._stored is None else 400 + self._indexed / 100
        return self._inside < few or k > self._inside / 10

    def _with_fresh(self, query: Floats, rows: Rows, scores: Floats) -> tuple[Rows, Floats]:
        """Candidates of the index together with the rows that it does not have."""
        if len(self._fresh) == 0:
            return rows, scores
        fresh = self._score(self._fresh, query)
        return np.concatenate([rows, self._fresh]), np.concatenate([scores, fresh])

    def _candidates(
        self, reader: Reader, queries: Floats, k: int, nearby: bool
    ) -> Iterator[tuple[Rows, Floats]]:
        """For each query enough rows of the index to hold its k best, with final scores."""
        want = min(self._inside, k + 32 + k // 8)
        raw, found = reader.candidates(queries, want, self._old, every=not nearby)
        for query, lowest, drawn in zip(queries, raw[:, -1], found, strict=True):
            rows = drawn[drawn >= 0]
            scores = self._score(rows, query)
            if nearby or want == self._inside or not self._unsure(lowest, scores, k, query):
                yield rows, scores
            else:
                yield self._more(reader, query, k, want)

    def _more(self, reader: Reader, query: Floats, k: int, want: int) -> tuple[Rows, Floats]:
        """More candidates, until no other row can be among the k best; at worst every row."""
        while (want := want * 4) < self._inside / 4:
            raw, found = reader.candidates(query[None], want, self._old, every=True)
            scores = self._score(found[0], query)
            if not self._unsure(raw[0, -1], scores, k, query):
                return found[0], scores
        rows = np.arange(self._indexed) if self._old is None else self._old
        return rows, self._score(rows, query)

    def _blocks(self) -> Iterator[NDArray[Any]]:
        """Every vector there is, in ascending rows."""
        if self._stored is None:
            yield from (block for _, block in self.vectors.blocks(*self.key))
            return
        yield self._stored
        for start in range(0, len(self._fresh), _GATHER):
            yield self.vectors.take(*self.key, self._fresh[start : start + _GATHER])

    def _score(self, rows: Rows, query: Floats) -> Floats:
        """Final scores of these rows."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _GATHER):
            part = rows[start : start + _GATHER]
            if self._stored is not None and part.max() < self._indexed:
                vectors: NDArray[Any] = self._stored[part]
            else:
                vectors = self.vectors.take(*self.key, part)
            scores[start : start + len(part)] = score(vectors, query)
        return scores
