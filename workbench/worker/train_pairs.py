"""The pictures and captions of a dataset as batches of a training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import default_rng
from numpy.typing import NDArray
from torch import Tensor

from workbench.errors import InputError, WorkspaceError
from workbench.gpu.limoe.batches import MEAN, STD, crops, rows_of, whole
from workbench.gpu.limoe.recipe import Recipe
from workbench.gpu.loading import threads
from workbench.gpu.preprocess import Pixels, Preprocess
from workbench.types import Rows
from workbench.worker.train_question import LEAST_ITEMS

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["HELD_OUT", "Captioned", "DatasetPairs", "Pictures", "captioned"]

HELD_OUT = 256
"""Items that are watched and never trained on: so many, at most a tenth of all."""

MARGIN = 9 / 8
"""Side of a picture that crops are taken from, as a multiple of the model's input."""

ROOM = 512 * 2**20
"""Bytes of decoded pictures that stay in memory; others are decoded at each visit."""

_MOST_BROKEN = 0.1
"""Share of unreadable images at which a training gives up."""


@dataclass(frozen=True)
class Captioned:
    """The items of a dataset that have an image and a caption, N of them in order of their rows.

    Args:
        places: columns item, uri, offset, length; N rows.
        texts: all their captions, item after item.
        starts: int64 (N,), where an item's captions start in ``texts``.
        counts: int64 (N,), how many it has; at least 1.
    """

    places: pa.Table
    texts: pa.ChunkedArray
    starts: Rows
    counts: Rows

    def __len__(self) -> int:
        return len(self.starts)

    def split(self) -> tuple[Rows, Rows]:
        """Places to train on and places held out: the same for every training of the dataset."""
        order = default_rng(0).permutation(len(self))
        out = min(HELD_OUT, len(self) // 10)
        return np.sort(order[out:]), np.sort(order[:out])

    def captions(self, places: Rows) -> Iterator[str]:
        """Every caption of these items."""
        for place in places.tolist():
            start = int(self.starts[place])
            yield from self.texts.slice(start, int(self.counts[place])).to_pylist()


def captioned(workspace: Workspace, dataset: str) -> Captioned:
    """The items of a dataset to train on; blank captions are none.

    Raises:
        UnknownName: no such dataset.
        InputError: fewer than ``LEAST_ITEMS``.
    """
    columns = ["row", "item", "uri", "offset", "length"]
    items = workspace.tables.items(dataset, columns=columns)
    items = items.filter(pc.is_valid(items["uri"]))
    captions = workspace.tables.captions(dataset)
    told = pc.not_equal(pc.utf8_trim_whitespace(captions["text"]), "")
    shown = pc.is_in(captions["item_row"], items["row"].combine_chunks())
    captions = captions.filter(pc.and_(told, shown)).sort_by(
        [("item_row", "ascending"), ("row", "ascending")]
    )
    rows, starts, counts = np.unique(
        captions["item_row"].to_numpy(), return_index=True, return_counts=True
    )
    if len(rows) < LEAST_ITEMS:
        raise InputError(
            f"dataset {dataset!r}",
            expected=f"at least {LEAST_ITEMS} images with a caption",
            got=str(len(rows)),
            do="Import more, or choose another dataset.",
        )
    places = items.filter(pc.is_in(items["row"], pa.array(rows))).sort_by("row")
    return Captioned(
        places.select(columns[1:]),
        captions["text"],
        starts.astype(np.int64),
        counts.astype(np.int64),
    )


class Pictures:
    """Decoded pictures by place, as many as fit kept in memory; the next ones load meanwhile.

    To be used in one thread; ``load`` runs in several.

    Args:
        load: place -> picture, or None where it cannot be read.
        room: bytes that may stay.
    """

    def __init__(self, load: Callable[[int], Pixels | None], room: int = ROOM) -> None:
        self._load, self._room = load, room
        self._kept: dict[int, Pixels] = {}
        self._coming: dict[int, Future[Pixels | None]] = {}
        self._pool = ThreadPoolExecutor(threads(), thread_name_prefix="decode")

    def ahead(self, places: Sequence[int]) -> None:
        """Begin to load these."""
        for place in places:
            if place not in self._kept and place not in self._coming:
                self._coming[place] = self._pool.submit(self._load, place)

    def take(self, places: Sequence[int]) -> list[Pixels | None]:
        """These pictures, in this order."""
        self.ahead(places)
        return [self._one(place) for place in places]

    def _one(self, place: int) -> Pixels | None:
        if place in self._kept:
            return self._kept[place]
        self.ahead([place])  # one that was taken a moment ago and had no room to stay
        picture = self._coming.pop(place).result()
        if picture is not None and picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[place] = picture
        return picture

    def close(self) -> None:
        """Stop loading."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class DatasetPairs:
    """Batches of a dataset's images, each with one of its captions, decided by seed and step.

    An epoch visits each item once, with a caption drawn anew. An image that cannot be read is
    replaced by that of the next item, and named in the log.

    Args:
        workspace: where the dataset is.
        items: of ``captioned``.
        recipe: seed, batch and size of the images.
        tokenizer: texts -> int64 (n, context length).
        log: is told of images that cannot be read.

    Raises:
        InputError: fewer items to train on than a batch has.
    """

    def __init__(
        self,
        workspace: Workspace,
        items: Captioned,
        recipe: Recipe,
        tokenizer: Callable[[list[str]], Tensor],
        log: logging.Logger,
    ) -> None:
        self._workspace, self._items, self._recipe = workspace, items, recipe
        self._tokenizer, self._log = tokenizer, log
        self.training, self.watched = items.split()
        if recipe.batch > len(self.training):
            raise InputError(
                "batch of the training",
                expected=f"at most {len(self.training):,}, the items to train on "
                f"({len(self.watched):,} are held out)",
                got=f"{recipe.batch:,}",
            )
        self.unreadable: dict[str, str] = {}
        self._pictures = Pictures(self._picture)
        side = round(recipe.image_size * MARGIN)
        look = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
        self._prepare = Preprocess({"size": side, **look})

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch number ``step``: see ``workbench.gpu.limoe.batches.Pairs``."""
        chance = default_rng((self._recipe.seed, 2, step))
        places, pictures = self._readable(self._drawn(step), self.training)
        self._pictures.ahead(self._drawn(step + 1).tolist())
        texts = self._texts(places, chance.random(len(places)))
        return crops(pictures, chance, self._recipe.image_size), self._tokenizer(texts)

    def held_out(self) -> tuple[Tensor, Tensor]:
        """The watched pairs, with the first caption of each image."""
        places, pictures = self._readable(self.watched.copy(), self.watched)
        texts = self._texts(places, np.zeros(len(places)))
        return whole(np.stack(pictures), self._recipe.image_size), self._tokenizer(texts)

    def close(self) -> None:
        """Stop loading."""
        self._pictures.close()

    def _drawn(self, step: int) -> Rows:
        recipe = self._recipe
        return self.training[rows_of(recipe.seed, step, recipe.batch, len(self.training))]

    def _texts(self, places: Rows, chance: NDArray[np.float64]) -> list[str]:
        """One caption of each item; a chance in [0, 1) says which."""
        at = self._items.starts[places] + (chance * self._items.counts[places]).astype(np.int64)
        texts: list[str] = self._items.texts.take(pa.array(at)).to_pylist()
        return texts

    def _readable(self, places: Rows, among: Rows) -> tuple[Rows, list[Pixels]]:
        """Pictures of these items, or of the next ones among them that can be read."""
        found: list[Pixels] = []
        for slot, picture in enumerate(self._pictures.take(places.tolist())):
            other, tried = picture, 1
            while other is None:
                self._check_broken(tried == len(among))
                tried += 1
                after = int(np.searchsorted(among, places[slot])) + 1
                places[slot] = among[after % len(among)]
                (other,) = self._pictures.take([int(places[slot])])
            found.append(other)
        return places, found

    def _picture(self, place: int) -> Pixels | None:
        """Read and decode; runs in several threads."""
        row: dict[str, Any] = self._items.places.slice(place, 1).to_pylist()[0]
        try:
            data = self._workspace.read_image(row["uri"], row["offset"], row["length"])
            return self._prepare.decode(data, row["item"])
        except (InputError, WorkspaceError) as error:
            self.unreadable[row["item"]] = error.got or error.what
            self._log.warning("%s: %s", row["item"], error.got or error.what)
            return None

    def _check_broken(self, none_left: bool) -> None:
        if none_left or len(self.unreadable) > max(1, _MOST_BROKEN * len(self._items)):
            named = [f"{name} ({why})" for name, why in list(self.unreadable.items())[:3]]
            raise InputError(
                f"{len(self.unreadable):,} of {len(self._items):,} images cannot be read",
                expected="the files as they were imported",
                got="; ".join(named),
                do="Put them back and retry the job: it goes on at its last checkpoint.",
            )
