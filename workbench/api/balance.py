"""Questions beside a balance: which cap to take, and what captions and images each name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.api.names import Tails
from workbench.errors import InputError
from workbench.longtail.balance import cap_for_share, cap_for_tail, tail_share
from workbench.longtail.misalignment import Misalignment

__all__ = ["Balancing", "CapEffect", "Sides"]

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class CapEffect:
    """What a cap would do, reckoned from the counts alone.

    Args:
        cap: t.
        cut: concepts with more captions than the cap.
        concepts: C.
        before: matches of a caption and a concept, all concepts together.
        after: those that stay if no caption had two concepts, sum of min(count, cap).
        tail: share of the matches that belong to concepts below the cap, in [0, 1]; NaN without
            any match.
    """

    cap: float
    cut: int
    concepts: int
    before: int
    after: float
    tail: float


@dataclass(frozen=True)
class Sides:
    """What the captions of a dataset name, and what a model tags its images with.

    Args:
        degree: how far both differ.
        apart: rows of the items with concepts on both sides and none in common, ascending.
        text: (rows, concepts) of the captions; a pair may come more than once.
        image: (rows, concepts) of the images.
    """

    degree: Misalignment
    apart: tuple[int, ...]
    text: Pairs
    image: Pairs

    def of(self, concept: int) -> dict[str, tuple[int, ...]]:
        """Rows of the items with a concept: ``captions`` only, ``images`` only, and ``both``."""
        said, shown = (
            set(rows[concepts == concept].tolist()) for rows, concepts in (self.text, self.image)
        )
        found = {"captions": said - shown, "images": shown - said, "both": said & shown}
        return {side: tuple(sorted(rows)) for side, rows in found.items()}

    def named(self, rows: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """The concepts that the captions of these items name, ascending; none for some."""
        items, concepts = self.text
        here = np.isin(items, np.asarray(rows, dtype=np.int64))
        found: dict[int, set[int]] = {row: set() for row in rows}
        for row, concept in zip(items[here].tolist(), concepts[here].tolist(), strict=True):
            found[row].add(concept)
        return {row: tuple(sorted(each)) for row, each in found.items()}


class Balancing(Tails):
    """Caps, and captions against images."""

    def balance_cap(
        self, count: str, share: float, *, by: Literal["tail", "kept"] = "tail"
    ) -> float:
        """A cap for a counting.

        Args:
            count: key of a counting.
            share: in [0, 1]; see ``by``.
            by: ``tail``: concepts below the cap have about this share of all matches, as MetaCLIP
                carries its cap from one corpus to another. ``kept``: this share of the matches
                stays, if no caption had two concepts.

        Raises:
            UnknownName: no such counting.
            InputError: a share outside [0, 1], or no match at all.
        """
        counts = self.counted(count).distinct
        if by == "kept":
            return cap_for_share(counts, share)
        return max(1.0, cap_for_tail(counts, share))  # where most concepts have no caption

    def balance_preview(self, count: str, cap: float) -> CapEffect:
        """What a cap would do to a counting, at once and without its captions.

        Raises:
            UnknownName: no such counting.
            InputError: a cap that is not above 0.
        """
        if not 0 < cap < float("inf"):
            raise InputError("cap", expected="a number of captions above 0", got=f"{cap:g}")
        counts = self.counted(count).distinct
        return CapEffect(
            cap=cap,
            cut=int((counts > cap).sum()),
            concepts=len(counts),
            before=int(counts.sum()),
            after=float(np.minimum(counts, cap).sum()),
            tail=tail_share(counts, cap),
        )

    def sides(self, count: str, run: str, threshold: float = 0.5) -> Sides:
        """Captions against images of a dataset, concept by concept and item by item.

        Of the items that the run looked at.

        Args:
            count: key of a counting of the dataset's own captions.
            run: key of a zero-shot run on the same dataset with the same classes.
            threshold: an image has a class from this probability on.

        Raises:
            InputError: another dataset, other classes, a corpus without images, or a threshold
                outside (0, 1].
        """
        if not 0 < threshold <= 1:
            raise InputError("threshold", expected="a probability in (0, 1]", got=f"{threshold:g}")
        text, image, degree, apart = self._two_sides(count, run, threshold)
        return Sides(degree, apart, text, image)
