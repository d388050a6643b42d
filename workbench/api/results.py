"""What the questions of the API answer with: frozen, plain, ready for a page or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import InputError
from workbench.types import Side

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "DIRECTIONS",
    "Direction",
    "FailurePage",
    "FailureRow",
    "Hit",
    "ItemDetail",
    "Query",
    "RetrievalReport",
    "ScoreHistogram",
    "SearchResult",
]

Direction = Literal["text-to-image", "image-to-text"]
"""Which side asks: a caption looks for its image, or an image looks for one of its captions."""

DIRECTIONS: tuple[Direction, ...] = ("text-to-image", "image-to-text")


@dataclass(frozen=True)
class Query:
    """What is looked for: a text, an image, an item, or an image changed by a text.

    With t, e, x the unit vectors of ``text``, ``exclude`` and the image, w ``image_weight``
    and u ``exclude_weight``, the query vector is ``norm(base - u * e)``, where base is t, or x,
    or ``norm(w * x + (1 - w) * t)`` when both are given. Scores are cosines with it.

    Args:
        text: words to look for.
        exclude: words to steer away from; needs a text or an image to steer.
        image: bytes of an image file.
        item: (dataset, row) of an item whose image is the query; not together with ``image``.
        image_weight: w in [0, 1]: 1 is the image alone, 0 the text alone.
        exclude_weight: u >= 0; 0 ignores ``exclude``.

    Raises:
        InputError: nothing to look for, both an image and an item, or a weight out of range.
    """

    text: str = ""
    exclude: str = ""
    image: bytes | None = None
    item: tuple[str, int] | None = None
    image_weight: float = 0.5
    exclude_weight: float = 0.5

    def __post_init__(self) -> None:
        if not self.text.strip() and self.image is None and self.item is None:
            raise InputError("query", expected="a text, an image or an item", got="none of them")
        if self.image is not None and self.item is not None:
            raise InputError("query", expected="an image or an item", got="both")
        if not 0 <= self.image_weight <= 1:
            got = repr(self.image_weight)
            raise InputError("image weight", expected="a number in [0, 1]", got=got)
        if not 0 <= self.exclude_weight < float("inf"):
            got = repr(self.exclude_weight)
            raise InputError("exclude weight", expected="a number of 0 or more", got=got)

    @property
    def has_image(self) -> bool:
        """True when an image takes part: uploaded bytes or an item."""
        return self.image is not None or self.item is not None


@dataclass(frozen=True)
class Hit:
    """One result: an item (or one of its captions) and how near it is.

    Args:
        rank: 1 for the best of the whole ranking, counted through the pages.
        row: row of the item in its dataset, also when a caption was found.
        item: id of the item.
        score: cosine in [-1, 1] with the query vector.
        caption: the caption that was found; empty when images are the target.
        caption_row: row of that caption; -1 when images are the target.
        columns: label, width, height, format, bytes and every metadata column of the item.
    """

    rank: int
    row: int
    item: str
    score: float
    caption: str
    caption_row: int
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class SearchResult:
    """One page of a ranking.

    Args:
        hits: best first; fewer than asked for only at the end of the ranking.
        considered: how many images (or captions) passed the filter and were ranked.
        exact: False when an approximate index answered.
        seconds: wall time by part: ``encode``, ``search`` (filter included), ``metadata``.
        offset: rank of the first hit minus one.
    """

    dataset: str
    model: str
    target: Side
    hits: tuple[Hit, ...]
    considered: int
    exact: bool
    seconds: Mapping[str, float]
    offset: int = 0

    @property
    def last(self) -> bool:
        """True when no hit comes after this page."""
        return self.offset + len(self.hits) >= self.considered


@dataclass(frozen=True)
class ScoreHistogram:
    """How the whole (filtered) collection scores against one query.

    Args:
        edges: B + 1 ascending cosines.
        counts: B numbers of images (or captions) with a score in [edge, next edge); the last
            bin includes its upper edge.
        n: how many were scored; the sum of ``counts``.
        mean, std: of the scores; std divides by n. 0 when n is 0.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    n: int
    mean: float
    std: float


@dataclass(frozen=True)
class ItemDetail:
    """Everything that is known of one item.

    Args:
        columns: label, size, format and metadata as in ``Hit.columns``; ``uri``, ``digest`` too.
        captions: its texts in caption order; ``caption_rows`` their rows.
        note: what a person wrote; empty when nothing.
        tags: in alphabetical order.
    """

    dataset: str
    row: int
    item: str
    columns: Mapping[str, Any]
    captions: tuple[str, ...]
    caption_rows: tuple[int, ...]
    note: str
    tags: tuple[str, ...]
    has_image: bool = True


@dataclass(frozen=True)
class RetrievalReport:
    """Retrieval of one dataset by one model, both directions.

    Args:
        current: False when items were added since; evaluate again to include them.
        measures: direction -> name -> value. Names: ``n`` queries, ``recall@1``, ``recall@5``,
            ``recall@10`` in [0, 1], ``median_rank``, ``mean_rank`` (1 is best), ``mrr`` in (0, 1],
            ``gallery`` results ranked, ``tied`` queries whose truth ties with a wrong result.
        tolerant: the same, when a result that carries the very same caption text also counts as
            right. Equal to ``measures`` where no two items share a caption.
        intervals: direction -> ``recall@k`` -> 95% bootstrap interval of ``measures``.
        chance: direction -> ``recall@k`` -> what a random ranking reaches.
        ranks: direction -> (ranks, number of queries) for 1, 2-5, 6-10, 11-100, over 100.
        repeated: captions whose text belongs to more than one item.
        without_caption: items with no caption; they are in the gallery and ask nothing.
        duplicate_images: items whose vector equals an earlier item's.
        seconds: how long the evaluation computed.
    """

    dataset: str
    model: str
    current: bool
    measures: Mapping[Direction, Mapping[str, float]]
    tolerant: Mapping[Direction, Mapping[str, float]]
    intervals: Mapping[Direction, Mapping[str, tuple[float, float]]]
    chance: Mapping[Direction, Mapping[str, float]]
    ranks: Mapping[Direction, tuple[tuple[str, int], ...]]
    repeated: int
    without_caption: int
    duplicate_images: int
    seconds: float


@dataclass(frozen=True)
class FailureRow:
    """One query whose truth was not ranked first.

    Args:
        query: text of the caption that asked, or the id of the image that asked.
        row: item row of the query's item; ``caption_row`` -1 when an image asked.
        rank: of the best right answer, 1 would be right; where scores tie, the mean over the
            orders of the tie, so that halves occur.
        truth, truth_score: the right answer's item row (for images asking: row of the caption)
            and its cosine.
        distractors: up to 5 hits that beat it, best first: items for a text, captions for an image.
        same_text: for each distractor, True when it carries the very same text as the truth.
    """

    direction: Direction
    query: str
    row: int
    item: str
    caption_row: int
    rank: float
    truth: int
    truth_score: float
    distractors: tuple[Hit, ...]
    same_text: tuple[bool, ...]


@dataclass(frozen=True)
class FailurePage:
    """One page of the failures of a retrieval evaluation, the lowest-ranked truth first.

    Args:
        total: failures that pass the filter; ``of`` queries that pass it.
        table: the page as a table, for an export.
    """

    rows: tuple[FailureRow, ...]
    total: int
    of: int
    offset: int
    table: pa.Table
