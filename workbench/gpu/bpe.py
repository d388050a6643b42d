"""A small byte-pair tokenizer in CLIP's own file format, learned from captions."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode, get_clean_fn

from workbench.gpu.files import replace

__all__ = ["CLEAN", "HEADER", "learn", "load", "merged", "words", "write"]

HEADER = "#version: 0.2 - byte-pair merges learned from captions"
CLEAN = "canonicalize"
"""How open_clip prepares a text for this tokenizer: lower case, no punctuation."""
Pair = tuple[str, str]
Word = tuple[str, ...]


def words(texts: Iterable[str]) -> Counter[Word]:
    """Every word of the texts as the symbols CLIP starts from, with its number of occurrences."""
    splitter, clean = SimpleTokenizer().pat, get_clean_fn(CLEAN)
    found = Counter(word for text in texts for word in splitter.findall(clean(text)))
    symbol = bytes_to_unicode()
    spelled = {w: [symbol[byte] for byte in w.encode("utf-8")] for w in found}
    return Counter({(*s[:-1], s[-1] + "</w>"): found[w] for w, s in spelled.items()})


def merged(word: Word, pair: Pair) -> Word:
    """The word with every occurrence of the pair, from the left, made one symbol."""
    out: list[str] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            out.append(pair[0] + pair[1])
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


def learn(texts: Iterable[str], merges: int) -> list[Pair]:
    """Up to `merges` merges, most frequent pair first; ties go to the pair that sorts first."""
    counted = words(texts)
    spelling, times = list(counted), list(counted.values())
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)

    def count(index: int, sign: int) -> None:
        for pair in zip(spelling[index], spelling[index][1:], strict=False):
            pairs[pair] += sign * times[index]
            where[pair].add(index)

    for index in range(len(spelling)):
        count(index, 1)
    learned: list[Pair] = []
    while len(learned) < merges:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] <= 0:
            break
        learned.append(best)
        for index in where.pop(best):
            count(index, -1)
            spelling[index] = merged(spelling[index], best)
            count(index, 1)
        pairs = +pairs
    return learned


def write(path: Path, merges: list[Pair]) -> None:
    """Write the merges as CLIP does: a header line, one merge a line, no newline at the end."""
    text = "\n".join([HEADER, *(" ".join(pair) for pair in merges)])
    replace(path, gzip.compress(text.encode("utf-8"), mtime=0))


def load(path: Path, context_length: int) -> SimpleTokenizer:
    """The tokenizer that open_clip makes of a merges file."""
    return SimpleTokenizer(bpe_path=str(path), context_length=context_length, clean=CLEAN)
