"""How often each concept occurs in `pretrain`: a Zipf law with a cut-off, and who gets which rank.

f(r) = C r^-a exp(-(r / k)^2), rounded. A pure Zipf law through 3,200 and 2 would leave only a few
concepts that a small model can learn; the cut-off keeps a long head and a steep tail. The paper on
two regimes in word frequencies (Ferrer i Cancho and Sole, 2001) found such a bend in texts.
"""

import math

import numpy as np

HEAD = 3200
TAIL = 2
_IDEAL_TAIL = 1.3  # what the law itself gives at the last rank, so that many concepts have `TAIL`
EXPONENT = 0.4


def counts(ranks: int, head: int = HEAD, tail: int = TAIL, exponent: float = EXPONENT) -> list[int]:
    """Occurrences by rank, falling from `head` to exactly `tail`; their sum is a multiple of 10.

    So that a quarter of all captions can hold two concepts, N captions need 1.25 N occurrences.
    """
    cutoff = cutoff_rank(ranks, head, exponent)
    ideal = [
        head * rank**-exponent * math.exp(-((rank / cutoff) ** 2)) for rank in range(1, ranks + 1)
    ]
    rounded = [max(tail, round(value)) for value in ideal]
    rounded[0] += -sum(rounded) % 10
    return rounded


def cutoff_rank(ranks: int, head: int = HEAD, exponent: float = EXPONENT) -> float:
    """The k with which the law, with C = `head`, falls below `TAIL` some ranks before the last."""
    return ranks / math.sqrt(math.log(head * ranks**-exponent / _IDEAL_TAIL))


def ranked(
    names: list[str],
    everyday: set[str],
    spurious: set[str],
    synonyms: set[str],
    rng: np.random.Generator,
) -> list[str]:
    """Concept names, most frequent first: random, but what demonstrations need is not rare.

    Everyday concepts come early, and concepts with planted truths are frequent enough to show them.
    """
    spans = dict.fromkeys(names, (0.0, 1.0))
    spans |= dict.fromkeys(synonyms, (0.0, 0.40))
    spans |= dict.fromkeys(spurious, (0.08, 0.25))
    spans |= dict.fromkeys(everyday, (0.0, 0.16))
    draws = rng.random(len(names))
    score = {
        name: spans[name][0] + draw * (spans[name][1] - spans[name][0])
        for name, draw in zip(names, draws, strict=True)
    }
    return sorted(names, key=lambda name: score[name])
