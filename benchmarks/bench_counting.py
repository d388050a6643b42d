"""Counting concepts in captions: ours against an inverted index in Python and against SQL.

Captions of ten words that follow Zipf's law over 50,000 words; concepts with five terms of one to
three words, no two alike. Terms hold none of the 100 commonest words ("a", "of"); those of several
words are half taken from captions, half drawn word by word. All count distinct captions by concept;
those that ask the same question must agree, or the run stops.

    ours       Counter: words in sequence, with co-occurrences and examples (one thread, and all);
               "alone" without these two
    ours, any  Counter by the rule on lemmas: words anywhere, singular and plural alike
    index      Python: lemma -> set of captions, a term is the intersection of its words' sets
    SQL        DuckDB: one- to three-word sequences of each caption, joined with the terms

``index`` is compared with ``ours, any``, ``SQL`` with ``ours``; the two on a part of the captions,
because they are slower. The target: 10,000 concepts of five terms in 1,000,000 captions in under 5
seconds on two cores, and nearly the same from 1,000 to 100,000 concepts.

    python benchmarks/bench_counting.py [--captions N] [--concepts C ...] [--peer N] [--seed S]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from workbench.longtail.concepts import Concepts  # noqa: E402
from workbench.longtail.counting import Counter  # noqa: E402
from workbench.longtail.lemmas import lemma  # noqa: E402

WORDS, PER_CAPTION, TERMS = 50_000, 10, 5
COMMON = 100
SYLLABLES = [a + b for a in "bdfgklmnprtvz" for b in "aeiou"]
CORES = len(os.sched_getaffinity(0))


def words(rng: np.random.Generator) -> np.ndarray:
    found: dict[str, None] = {}
    while len(found) < WORDS:
        size = int(rng.integers(1, 5))
        found["".join(rng.choice(SYLLABLES, size=size))] = None
    return np.array(list(found), dtype=object)


def captions_of(rng: np.random.Generator, vocabulary: np.ndarray, count: int) -> np.ndarray:
    """Word numbers (count, ten), by Zipf's law."""
    weight = 1 / np.arange(1, len(vocabulary) + 1)
    edges = np.cumsum(weight / weight.sum())
    return np.searchsorted(edges, rng.random((count, PER_CAPTION))).clip(max=len(vocabulary) - 1)


def concepts_of(
    rng: np.random.Generator, vocabulary: np.ndarray, drawn: np.ndarray, count: int
) -> Concepts:
    """Five terms a concept, of one word (one in ten), two or three; no term in two concepts."""
    rare = drawn >= COMMON
    runs = {
        n: rare[:, : 11 - n] & rare[:, n - 1 :] & rare[:, n // 2 : 11 - n + n // 2] for n in (2, 3)
    }
    starts = {n: np.argwhere(run) for n, run in runs.items()}
    terms = dict.fromkeys(rng.permutation(vocabulary[COMMON:])[: count * TERMS // 10])
    while len(terms) < count * TERMS:
        n = int(rng.integers(2, 4))
        row, at = starts[n][rng.integers(len(starts[n]))]
        taken = rng.random() < 0.5
        ids = drawn[row, at : at + n] if taken else rng.integers(COMMON, len(vocabulary), n)
        terms[" ".join(vocabulary[ids])] = None
    mixed = rng.permutation(np.array(list(terms), dtype=object)).reshape(count, TERMS).tolist()
    return Concepts.of([each[0] for each in mixed], [each[1:] for each in mixed])


def ours(
    concepts: Concepts, rule: str, texts: pa.Array, threads: int, **more: int
) -> tuple[float, np.ndarray]:
    counter = Counter(concepts, rule, threads=threads, **more)
    counter.add(texts.slice(0, 20_000))
    counter = Counter(concepts, rule, threads=threads, **more)
    begin = time.perf_counter()
    counter.add(texts)
    counts = counter.counts()
    seconds = time.perf_counter() - begin
    return seconds, counts.distinct


def index(concepts: Concepts, texts: pa.Array) -> tuple[float, np.ndarray]:
    begin = time.perf_counter()
    single: dict[str, str] = {}
    where: dict[str, set[int]] = defaultdict(set)
    for number, text in enumerate(texts.to_pylist()):
        for word in text.split():
            known = single.get(word)
            if known is None:
                known = single[word] = lemma(word)
            where[known].add(number)
    none: set[int] = set()
    found = [
        len(
            set().union(
                *(
                    set.intersection(
                        *sorted((where.get(lemma(w), none) for w in term.split()), key=len)
                    )
                    for term in terms
                )
            )
        )
        for terms in concepts.terms
    ]
    return time.perf_counter() - begin, np.array(found)


def sql(concepts: Concepts, texts: pa.Array) -> tuple[float, np.ndarray]:
    import duckdb

    terms, owner = concepts.flat()
    database = duckdb.connect()
    database.execute(f"set threads = {CORES}")
    database.register("captions", pa.table({"n": pa.array(range(len(texts))), "text": texts}))
    database.register("terms", pa.table({"term": list(terms), "concept": owner}))
    grams = " union all ".join(
        f"select n, array_to_string(w[i:i + {k}], ' ') as gram "
        f"from split, range(1, len(w) + 1 - {k}) as r(i)"
        for k in range(3)
    )
    begin = time.perf_counter()
    rows = database.execute(
        f"with split as (select n, string_split(text, ' ') as w from captions), grams as ({grams}) "
        "select concept, count(distinct n) from grams join terms on gram = term group by concept"
    ).fetchnumpy()
    seconds = time.perf_counter() - begin
    found = np.zeros(len(concepts), dtype=np.int64)
    concept, count = rows.values()
    found[np.asarray(concept)] = np.asarray(count)
    return seconds, found


def line(name: str, captions: int, seconds: float, ratio: str = "") -> None:
    print(f"  {name:28}{captions / seconds / 1e3:9,.0f}k captions/s{seconds:9.2f} s  {ratio}")


def compare(concepts: Concepts, texts: pa.Array, peer: int) -> tuple[float, float]:
    part = texts.slice(0, peer)
    seconds, distinct = ours(concepts, "words", texts, CORES)
    line(f"ours, {CORES} threads", len(texts), seconds)
    single, _ = ours(concepts, "words", texts, 1)
    line("ours, 1 thread", len(texts), single)
    alone, _ = ours(concepts, "words", texts, CORES, examples=0, most_pairs=0)
    named = distinct.sum() / len(texts)
    line(f"ours, alone, {CORES} threads", len(texts), alone, f"{named:.2f} concepts a caption")
    anywhere, _ = ours(concepts, "lemmas", texts, CORES)
    line(f"ours, any, {CORES} threads", len(texts), anywhere)
    peers: tuple[
        tuple[str, str, Callable[[Concepts, pa.Array], tuple[float, np.ndarray]], float], ...
    ]
    peers = (("SQL", "words", sql, seconds), ("index", "lemmas", index, anywhere))
    for name, rule, run, mine in peers:
        took, found = run(concepts, part)
        _, same = ours(concepts, rule, part, CORES)
        if found.tolist() != same.tolist():
            sys.exit(f"{name} and ours disagree on {int((found != same).sum())} concepts")
        ratio = (took / len(part)) / (mine / len(texts))
        line(name, len(part), took, f"ours is {ratio:.1f} times as fast, counts equal")
    return seconds, alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=int, default=1_000_000)
    parser.add_argument("--concepts", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--peer", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    vocabulary = words(rng)
    drawn = captions_of(rng, vocabulary, asked.captions)
    texts = pa.array([" ".join(row) for row in vocabulary[drawn]])
    print(f"{asked.captions:,} captions of ten words, seed {asked.seed}, {CORES} cores")
    took = []
    for count in asked.concepts:
        concepts = concepts_of(rng, vocabulary, drawn, count)
        print(f"{count:,} concepts of {TERMS} terms")
        took.append(compare(concepts, texts, asked.peer))
    more = [last / first for first, last in zip(took[0], took[-1], strict=True)]
    print(f"most concepts against fewest: {more[0]:.1f} times the time, alone {more[1]:.1f}")


if __name__ == "__main__":
    main()
