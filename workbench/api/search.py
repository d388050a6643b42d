"""Retrieval: a query becomes a unit vector, and the collection is ranked by its cosine with it."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.items import shown_columns
from workbench.api.opened import Opened
from workbench.api.results import Hit, Query, ScoreHistogram, SearchResult
from workbench.errors import InputError
from workbench.filters import Filters
from workbench.types import Floats, Hits, Rows, Side

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["Search", "compose"]

_REMEMBERED_IMAGES = 64


def compose(
    query: Query,
    text: Floats | None = None,
    exclude: Floats | None = None,
    image: Floats | None = None,
) -> Floats:
    """The query vector of already encoded parts; the formula is in ``Query``.

    Args:
        query: what was asked, with its weights.
        text: (D,) unit vector of the text, where there is one.
        exclude: (D,) unit vector of the excluded text.
        image: (D,) unit vector of the image.

    Returns:
        float32 (D,), of unit length.

    Raises:
        InputError: the parts cancel one another, so that no direction is left.
    """
    base: Floats | None = text if image is None else image
    if text is not None and image is not None:
        mixed = query.image_weight * image + (1 - query.image_weight) * text
        base = (mixed / max(float(np.linalg.norm(mixed)), 1e-12)).astype(np.float32)
    if base is None:
        raise InputError("query", expected="a text or an image", got="neither")
    vector = base if exclude is None else base - query.exclude_weight * exclude
    norm = float(np.linalg.norm(vector))
    if norm < 1e-6:
        raise InputError(
            "query",
            expected="parts that leave a direction",
            got="parts that cancel one another",
            do="Lower the exclude weight, or exclude something else than what is looked for.",
        )
    return np.asarray(vector / norm, dtype=np.float32)


class Search(Opened):
    """Rankings, neighbours, and how a whole collection scores."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._images: OrderedDict[tuple[str, str], Floats] = OrderedDict()

    def search(
        self,
        query: Query,
        *,
        dataset: str,
        model: str,
        target: Side = "image",
        where: Filters = (),
        k: int = 50,
        offset: int = 0,
        search: str = "",
    ) -> SearchResult:
        """Rank the images (or captions) of a dataset against a query; give one page of it.

        Args:
            query: what is looked for.
            dataset: where to look.
            model: name or key of the model whose vectors are compared.
            target: ``image`` ranks items, ``caption`` ranks their captions.
            where: conditions on metadata; only items that meet all of them are ranked, exactly.
            search: part of a text; only items that hold it in a text column or caption.
            k: page length, 1 or more.
            offset: hits to leave out first: page on to ``considered``, the end of the ranking.

        Raises:
            InputError: the dataset is not embedded with this model yet, or ``k`` is below 1.
            UnknownName: no such dataset, model or column.
            WorkerError: a text or image must be encoded and no worker answers.
        """
        if k < 1 or offset < 0:
            got = f"k={k}, offset={offset}"
            raise InputError("page", expected="k of 1 or more and offset of 0 or more", got=got)
        key = self._embedded(dataset, model, target)
        start = time.perf_counter()
        vector = self.encode(query, model)
        encoded = time.perf_counter()
        rows = self._allowed(dataset, target, where, search)
        found = self.workspace.indexes.search(
            dataset, key, target, vector[None, :], offset + k, rows
        )
        ranked = time.perf_counter()
        hits = self._hits(dataset, target, found, offset)
        end = time.perf_counter()
        seconds = {"encode": encoded - start, "search": ranked - encoded, "metadata": end - ranked}
        name = self.workspace.catalog.model(model).name
        return SearchResult(
            dataset, name, target, hits, found.considered, found.exact, seconds, offset
        )

    def neighbours(
        self, dataset: str, model: str, row: int, *, target: Side = "image", k: int = 12
    ) -> SearchResult:
        """What lies nearest to an item's image: other images without itself, or captions."""
        more = 1 if target == "image" else 0
        query = Query(item=(dataset, row))
        result = self.search(query, dataset=dataset, model=model, target=target, k=k + more)
        if target == "caption":
            return result
        others = [hit for hit in result.hits if hit.row != row][:k]
        hits = tuple(
            Hit(rank, h.row, h.item, h.score, h.caption, h.caption_row, h.columns)
            for rank, h in enumerate(others, start=1)
        )
        return SearchResult(
            dataset,
            result.model,
            target,
            hits,
            max(0, result.considered - 1),
            result.exact,
            result.seconds,
        )

    def score_histogram(
        self,
        query: Query,
        *,
        dataset: str,
        model: str,
        target: Side = "image",
        where: Filters = (),
        bins: int = 60,
        search: str = "",
    ) -> ScoreHistogram:
        """The cosines of the query with every image (or caption) that matches, as a histogram.

        Bins are equally wide between the lowest and the highest score. Raises as ``search``.
        """
        key = self._embedded(dataset, model, target)
        vector = self.encode(query, model)
        rows = self._allowed(dataset, target, where, search)
        scores = self.workspace.indexes.scores(dataset, key, target, vector, rows)
        if len(scores) == 0:
            return ScoreHistogram((-1.0, 1.0), (0,), 0, 0.0, 0.0)
        counts, edges = np.histogram(scores, bins=bins)
        return ScoreHistogram(
            edges=tuple(edges.tolist()),
            counts=tuple(counts.tolist()),
            n=len(scores),
            mean=float(scores.mean(dtype=np.float64)),
            std=float(scores.std(dtype=np.float64)),
        )

    def encode(self, query: Query, model: str) -> Floats:
        """The unit vector (D,) of a query under a model; stored items need no worker."""
        name = self.workspace.catalog.model(model).name
        texts = [text.strip() for text in (query.text, query.exclude)]
        wanted = [text for text in texts if text]
        vectors = dict(zip(wanted, self._texts(name, wanted), strict=True)) if wanted else {}
        image = self._image(query, name) if query.has_image else None
        return compose(query, vectors.get(texts[0]), vectors.get(texts[1]), image)

    def token_counts(self, model: str, texts: list[str]) -> list[int]:
        """Tokens of each text, begin and end marks included, by the worker's tokenizer.

        More than the model's context length means that the end of the text is not read.
        """
        return self._worker_client().token_counts(model, texts)

    def _texts(self, model: str, texts: list[str]) -> Floats:
        return self._worker_client().encode_text(model, texts)

    def _image(self, query: Query, model: str) -> Floats:
        """The query image's vector: the stored one of an item, else encoded and remembered."""
        if query.item is not None:
            dataset, row = query.item
            stored = self._stored(dataset, model, row)
            if stored is not None:
                return stored
            data: bytes = self.workspace.read_image(*self._source(dataset, row))
        else:
            data = query.image or b""
        name = (model, hashlib.blake2b(data, digest_size=16).hexdigest())
        known = self._images.get(name)
        if known is None:
            known = self._worker_client().encode_image(model, data)
            self._images[name] = known
            while len(self._images) > _REMEMBERED_IMAGES:
                self._images.popitem(last=False)
        return known

    def _source(self, dataset: str, row: int) -> tuple[str, int, int]:
        found = self.workspace.tables.take(dataset, [row], columns=["uri", "offset", "length"])
        record = found.to_pylist()[0]
        if record["uri"] is None:
            raise InputError(f"item {row} of {dataset!r} has no image, so it cannot be a query")
        return record["uri"], record["offset"], record["length"]

    def _stored(self, dataset: str, model: str, row: int) -> Floats | None:
        key = self.workspace.catalog.model(model).key
        total = self.workspace.catalog.dataset(dataset).items
        if not 0 <= row < total:
            raise InputError(f"row of {dataset!r}", expected=f"0 to {total - 1}", got=str(row))
        missing = self.workspace.vectors.missing(dataset, key, "image")
        if any(start <= row < stop for start, stop in missing):
            return None
        vector = self.workspace.vectors.take(dataset, key, "image", np.array([row]))[0]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def _embedded(self, dataset: str, model: str, side: Side) -> str:
        """The model's key, once it is sure that it has vectors for this side.

        Raises:
            InputError: there are none; the message says what to run.
        """
        info = self.workspace.catalog.model(model)
        self.workspace.catalog.dataset(dataset)
        if self.workspace.vectors.info(dataset, info.key, side).done > 0:
            return info.key
        raise InputError(
            f"{side}s of {dataset!r} under {info.name!r}",
            expected="vectors",
            got="none",
            do=f"Embed {dataset} with {info.name} first: "
            f"`workbench embed --dataset {dataset} --model {info.name}`.",
        )

    def _allowed(self, dataset: str, side: Side, where: Filters, search: str) -> Rows | None:
        if not where and not search:
            return None
        if side == "caption":
            return self.workspace.tables.caption_rows(dataset, where, search)
        return self.workspace.tables.rows(dataset, where, search)

    def _hits(self, dataset: str, target: Side, found: Hits, offset: int) -> tuple[Hit, ...]:
        """One query's hits from ``offset`` on, with the columns of their items."""
        rows, scores = found.rows[0, offset:], found.scores[0, offset:]
        kept = rows >= 0
        return self.hits_of(dataset, target, rows[kept], scores[kept].tolist(), first=offset + 1)

    def hits_of(
        self, dataset: str, target: Side, rows: Rows, scores: Sequence[float], *, first: int = 1
    ) -> tuple[Hit, ...]:
        """Rows of a side (K,) with their scores as hits, ranked as given from ``first`` on."""
        if len(rows) == 0:
            return ()
        texts: list[str] = [""] * len(rows)
        captions = [-1] * len(rows)
        items: Any = rows
        if target == "caption":
            found = self.workspace.tables.captions(dataset, rows).to_pydict()
            pairs = zip(found["item_row"], found["text"], strict=True)
            by_row = dict(zip(found["row"], pairs, strict=True))
            captions = rows.tolist()
            texts = [by_row[row][1] for row in captions]
            items = np.array([by_row[row][0] for row in captions], dtype=np.int64)
        records = self.workspace.tables.take(dataset, items).to_pylist()
        columns = [shown_columns(record) for record in records]
        return tuple(
            Hit(rank, int(row), str(record["item"]), float(score), text, caption, shown)
            for rank, (row, record, score, text, caption, shown) in enumerate(
                zip(items, records, scores, texts, captions, columns, strict=True), start=first
            )
        )
