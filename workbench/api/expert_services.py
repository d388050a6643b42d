"""What an expert serves: classes and concepts, and what its router says of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.api.items import Items
from workbench.api.routing import Routing
from workbench.experts.records import IMAGE, TEXT
from workbench.experts.specificity import Served, specificity
from workbench.experts.words import lifts

if TYPE_CHECKING:
    from store.runs import Run

__all__ = ["ClassServed", "ExpertServices", "RouterWord", "WordServed"]

_KINDS = ("text", "list", "boolean")
_MOST_CLASSES = 2000
_SURE = 0.05
_SPOKEN = 5
"""A word that occurs less often is not ranked: its mean probability is one of few tokens."""


@dataclass(frozen=True)
class ClassServed:
    """What an expert gets of one class, among the inputs of one modality.

    Args:
        name: value of the column.
        inputs: of the class.
        share: mean over them of the share of their tokens that chose the expert.
        base: the same over all inputs.
        lift: ``share / base``; NaN where nothing reaches the expert.
        p: of at least that share if the class were drawn by lot; NaN where not tested.
        q: ``p`` adjusted for all tests of the layer.
    """

    name: str
    inputs: int
    share: float
    base: float
    lift: float
    p: float
    q: float


@dataclass(frozen=True)
class WordServed:
    """What an expert gets of one word.

    Args:
        word: as the tokenizer spells it.
        n: occurrences that chose the expert (choices / K).
        uses: occurrences in all.
        share: ``n / uses``.
        lift: ``share`` over the expert's share of all words; 1 is no preference.
        low: lower end of the lift's 95% interval.
        high: upper end.
    """

    word: str
    n: float
    uses: float
    share: float
    lift: float
    low: float
    high: float


@dataclass(frozen=True)
class RouterWord:
    """What a router says of a word.

    Args:
        word: as the tokenizer spells it.
        tokens: its occurrences.
        probability: mean over them of the probability that the router gives the expert.
        lift: the same over the mean of all words; 1 is no preference.
    """

    word: str
    tokens: int
    probability: float
    lift: float


class ExpertServices(Routing, Items):
    """Questions about one expert of a recording."""

    def word_lifts(self, key: str, layer: int, expert: int) -> tuple[WordServed, ...]:
        """Words that chose an expert, the surest preference first (lower end of the lift).

        Raises:
            UnknownName: no such recording.
            InputError: no such layer or expert.
        """
        said = self.expert_words(key, layer, expert)
        if not said.words:
            return ()
        found = lifts(said.n, said.base, said.total, said.base_total)
        columns = (said.n, said.base, found.share, found.lift, found.low, found.high)
        return tuple(
            WordServed(said.words[w], *(float(column[w]) for column in columns))
            for w in found.order.tolist()
        )

    def expert_columns(self, key: str, layer: int) -> tuple[str, ...]:
        """Columns of a recording's dataset whose values may be classes, the most telling first.

        Most telling is the column whose best class for each expert of the layer is the least
        likely to be there by chance, on average over experts.

        Raises:
            UnknownName: no such recording, or its dataset is gone.
        """
        names = [
            column.name
            for column in self.columns(self.recording(key).dataset)
            if column.kind in _KINDS and 1 < column.distinct <= _MOST_CLASSES
        ]
        return tuple(sorted(names, key=lambda name: -self._telling(key, layer, name)))

    def _telling(self, key: str, layer: int, column: str) -> float:
        _, served = self._served(key, layer, column, IMAGE)
        if not served.q.size:
            return 0.0
        best = np.nan_to_num(served.q, nan=1.0).min(axis=1)
        return float(-np.log10(np.maximum(best, 1e-300)).mean())

    def expert_classes(
        self, key: str, layer: int, expert: int, column: str, modality: int = IMAGE
    ) -> tuple[ClassServed, ...]:
        """Classes by how much of them goes to an expert; see ``Served``.

        Those it gets more of than chance explains (q at most 5%) stand first, by their lift; then
        the others, by their lift.

        Args:
            key: of a recording.
            layer: number of a block.
            expert: number of an expert.
            column: with the classes; of a list each value is one.
            modality: whose tokens, 0 images or 1 texts.

        Raises:
            UnknownName: no such recording or column.
            InputError: no such layer or expert.
        """
        self._expert(key, layer, expert)
        names, served = self._served(key, layer, column, modality)
        found = [
            ClassServed(
                name=name,
                inputs=int(served.n[c]),
                share=float(served.share[expert, c]),
                base=float(served.base[expert]),
                lift=float(served.lift[expert, c]),
                p=float(served.p[expert, c]),
                q=float(served.q[expert, c]),
            )
            for c, name in enumerate(names)
            if served.n[c]
        ]
        return tuple(
            sorted(found, key=lambda c: (not c.q <= _SURE, -np.nan_to_num(c.lift), c.name))
        )

    def class_items(
        self, key: str, layer: int, expert: int, *, column: str, name: str, n: int = 24
    ) -> tuple[tuple[int, float], ...]:
        """Images of a class by the share of their patches that chose an expert, largest first.

        Returns:
            (row of the item, share) of at most ``n``.

        Raises:
            UnknownName: no such recording or column.
            InputError: no such layer or expert.
        """
        self._expert(key, layer, expert)
        inputs, at = self.recorded(key).inputs, self.recorded(key).at(layer)
        who, what, names = self._members(key, column)
        if name not in names:
            return ()
        places = who[what == names.index(name)]
        places = places[inputs.modality[places] == IMAGE]
        hard = inputs.hard[places, at]
        shares = hard[:, expert] / np.maximum(hard.sum(axis=1), 1e-9)
        order = np.argsort(-shares, kind="stable")[:n]
        return tuple(
            (int(inputs.rows[places[each]]), float(shares[each])) for each in order.tolist()
        )

    def _served(
        self, key: str, layer: int, column: str, modality: int
    ) -> tuple[tuple[str, ...], Served]:
        def ask() -> tuple[tuple[str, ...], Served]:
            recorded = self.recorded(key)
            who, what, names = self._members(key, column)
            mine = np.flatnonzero(recorded.inputs.modality == modality)
            inside = recorded.inputs.modality[who] == modality
            hard = recorded.inputs.hard[mine, recorded.at(layer)]
            members = (np.searchsorted(mine, who[inside]), what[inside])
            return names, specificity(hard, members, len(names))

        created = self.recording(key).created
        return self._remembered((key, created, "served", layer, column, modality), ask)

    def _members(
        self, key: str, column: str
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
        """Inputs with a class, the class of each, and the classes' names."""

        def ask() -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
            rows = self.recorded(key).inputs.rows
            distinct, place = np.unique(rows, return_inverse=True)
            dataset = self.recording(key).dataset
            values = self.workspace.tables.take(dataset, distinct, [column])[column].to_pylist()
            known: dict[str, int] = {}
            classes = [[known.setdefault(each, len(known)) for each in _all(v)] for v in values]
            sizes = np.array([len(each) for each in classes], np.int64)[place]
            who = np.repeat(np.arange(len(rows)), sizes)
            flat = [c for at in place.tolist() for c in classes[at]]
            return who, np.array(flat, np.int64), tuple(known)

        return self._remembered((key, self.recording(key).created, "members", column), ask)

    def router_words(
        self, key: str, layer: int, expert: int, n: int = 12
    ) -> tuple[RouterWord, ...]:
        """Words to which a router gives an expert more than to others, greatest lift first.

        The router's row of an expert is a direction in the space of the block's tokens; a word's
        mean probability says how far its tokens point along it, chosen or not. Empty where no
        probabilities or no texts were recorded.

        Raises:
            UnknownName: no such recording.
            InputError: no such layer or expert.
        """
        run = self._expert(key, layer, expert)
        words, tokens, sums = self._remembered(
            (key, run.created, "router words", layer), lambda: self._word_probabilities(run, layer)
        )
        if not words:
            return ()
        # a shard knows words of other layers and sides, which do not occur here
        mean = sums[:, expert] / np.maximum(tokens, 1)
        base = sums[:, expert].sum() / max(1, tokens.sum())
        spoken = np.flatnonzero(tokens >= _SPOKEN)
        order = spoken[np.argsort(-mean[spoken], kind="stable")][:n]
        return tuple(
            RouterWord(words[w], int(tokens[w]), float(mean[w]), float(mean[w] / base))
            for w in order.tolist()
        )

    def _word_probabilities(
        self, run: Run, layer: int
    ) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float64]]:
        """Words, their occurrences (W,), and sums of probabilities (W, E)."""
        from workbench.worker.routing_tables import tokens_of

        known: dict[str, int] = {}
        parts: list[tuple[NDArray[np.int64], NDArray[np.float16]]] = []
        for shard in run.result["shards"]:
            table = self.workspace.runs.table(
                self.workspace.runs.get(shard), "tokens", where={"modality": TEXT, "layer": layer}
            )
            tokens = tokens_of(table)
            if tokens.probs is not None and len(tokens):
                codes = np.array([known.setdefault(w, len(known)) for w in tokens.words] + [-1])
                said = tokens.word >= 0
                parts.append((codes[tokens.word[said]], tokens.probs[said]))
        counts = np.zeros(len(known), np.int64)
        sums = np.zeros((len(known), run.result["experts"]))
        for codes, probs in parts:
            counts += np.bincount(codes, minlength=len(known))
            for e in range(sums.shape[1]):
                weights = probs[:, e].astype(np.float64)
                sums[:, e] += np.bincount(codes, weights, minlength=len(known))
        return tuple(known), counts, sums


def _all(value: Any) -> list[str]:
    """Every value of a cell: of a list each one once."""
    values = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(str(each) for each in values if each is not None))
