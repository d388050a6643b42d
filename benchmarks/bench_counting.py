"""Counting concepts in captions: ours against an inverted index in Python and against SQL.

Captions of ten words that follow Zipf's law over 50,000 words; concepts with five terms of one to
three words, no two alike. Terms hold none of the 100 commonest words ("a", "of"); those of several
words are half taken from captions, half drawn word by word. All count distinct captions by concept;
those that ask the same question must agree, or the run stops.

    ours       Counter: words in sequence, with co-occurrences and examples (all threads, and one);
               "alone" without these two
    ours, any  Counter by the rule on lemmas: words anywhere, singular and plural alike
    index      Python: lemma -> set of captions, a term is the intersection of its words' sets
    SQL        DuckDB: one- to three-word sequences of each caption, joined with the terms

``index`` is compared with ``ours, any``, ``SQL`` with ``ours``; the two on a part of the captions,
because they are slower. The target: 10,000 concepts of five terms in 1,000,000 captions in under 5
seconds on two cores, and nearly the same from 1,000 to 100,000 concepts.

The captions are the same for all lists. What grows with a list is not only the list: in the first
measurement the one-word terms of 100,000 concepts are all the words there are, so there are over a
hundred times as many matches to count, pair and sort as for 1,000, and the time for each is given.
The second measurement grows the list alone: to the concepts of the shortest list come others whose
terms are two or three words drawn one by one, which hardly any caption has in a row. Their words
still stand in the captions, so the search goes on from nearly every word. Seconds are those of the
clock; "cpu" are those of all threads together, which other work on the machine changes less.

    python benchmarks/bench_counting.py [--captions N] [--concepts C ...] [--peer N] [--seed S]

``taskset -c 0`` in front of it measures one core.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
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


def longer(
    rng: np.random.Generator, vocabulary: np.ndarray, shortest: Concepts, count: int
) -> Concepts:
    """The shortest list, and concepts of two- and three-word terms drawn word by word."""
    known, _ = shortest.flat()
    terms = dict.fromkeys(known)
    while len(terms) < count * TERMS:
        drawn = rng.integers(COMMON, len(vocabulary), int(rng.integers(2, 4)))
        terms[" ".join(vocabulary[drawn])] = None
    flat = list(terms)
    lists = [flat[at : at + TERMS] for at in range(0, len(flat), TERMS)]
    return Concepts.of([each[0] for each in lists], [each[1:] for each in lists])


@dataclass(frozen=True)
class Took:
    """Seconds of the clock and of the processor, those to get warm, and what was counted."""

    seconds: float
    cpu: float
    made: float
    distinct: np.ndarray
    matches: int


def ours(concepts: Concepts, rule: str, texts: pa.Array, threads: int, **more: int) -> Took:
    """Count once warm: the matcher is made, and a first batch was counted with it."""
    made = time.process_time()
    warm = Counter(concepts, rule, threads=threads, **more)
    warm.add(texts.slice(0, 20_000))
    warm.counts()
    counter = warm.blank()
    begin, cpu = time.perf_counter(), time.process_time()
    made = cpu - made
    counter.add(texts)
    counts = counter.counts()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return Took(seconds, cpu, made, counts.distinct, int(counts.by_term.sum()))


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


def line(name: str, captions: int, seconds: float, told: str = "") -> None:
    print(f"  {name:28}{captions / seconds / 1e3:9,.0f}k captions/s{seconds:9.2f} s  {told}")


def timed(name: str, captions: int, took: Took) -> None:
    each = took.cpu / took.matches * 1e9 if took.matches else float("nan")
    told = f"cpu {took.cpu:.2f} s, {took.matches / captions:.2f} matches a caption"
    line(name, captions, took.seconds, f"{told}, {each:,.0f} ns cpu a match")


def measured(concepts: Concepts, texts: pa.Array) -> list[Took]:
    """By words in sequence: everything on all threads and on one, and alone on all and on one."""
    only = {"examples": 0, "most_pairs": 0}
    found = []
    for what, more in (("ours", {}), ("ours, alone", only)):
        for threads in dict.fromkeys((CORES, 1)):
            found.append(ours(concepts, "words", texts, threads, **more))
            noun = "thread" if threads == 1 else "threads"
            timed(f"{what}, {threads} {noun}", len(texts), found[-1])
    print(f"  before that, once a list: {found[0].made:.2f} s cpu to make the matcher and warm up")
    return found


def compare(concepts: Concepts, texts: pa.Array, peer: int) -> list[Took]:
    part = texts.slice(0, peer)
    all_took = measured(concepts, texts)
    anywhere = ours(concepts, "lemmas", texts, CORES)
    timed(f"ours, any, {CORES} threads", len(texts), anywhere)
    if not peer:
        return all_took
    peers: tuple[
        tuple[str, str, Callable[[Concepts, pa.Array], tuple[float, np.ndarray]], float], ...
    ]
    peers = (
        ("SQL", "words", sql, all_took[0].seconds),
        ("index", "lemmas", index, anywhere.seconds),
    )
    for name, rule, run, mine in peers:
        took, found = run(concepts, part)
        same = ours(concepts, rule, part, CORES).distinct
        if found.tolist() != same.tolist():
            sys.exit(f"{name} and ours disagree on {int((found != same).sum())} concepts")
        ratio = (took / len(part)) / (mine / len(texts))
        line(name, len(part), took, f"ours is {ratio:.1f} times as fast, counts equal")
    return all_took


def against(took: list[list[Took]]) -> None:
    """The longest list against the shortest: all, and counts alone."""
    first, last = took[0], took[-1]
    for what, at in (("all", 0), ("alone", len(first) // 2)):
        clock, cpu = last[at].seconds / first[at].seconds, last[at].cpu / first[at].cpu
        more = last[at].matches / max(first[at].matches, 1)
        told = f"{clock:.1f} times the time, {cpu:.1f} times the cpu, {more:.1f} times the matches"
        print(f"  most concepts against fewest, {what}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=int, default=1_000_000)
    parser.add_argument("--concepts", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--peer", type=int, default=200_000, help="0 for no peers")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    vocabulary = words(rng)
    drawn = captions_of(rng, vocabulary, asked.captions)
    texts = pa.array([" ".join(row) for row in vocabulary[drawn]])
    print(f"{asked.captions:,} captions of ten words, seed {asked.seed}, {CORES} cores")
    print("1. Longer lists that name more: terms of one word, from captions, and drawn")
    shortest, took = None, []
    for count in asked.concepts:
        concepts = concepts_of(rng, vocabulary, drawn, count)
        shortest = shortest or concepts
        print(f"{count:,} concepts of {TERMS} terms")
        took.append(compare(concepts, texts, asked.peer))
    against(took)
    print("2. Longer lists that name the same: what is added stands in hardly any caption")
    took = []
    for count in asked.concepts:
        concepts = longer(rng, vocabulary, shortest, count)
        print(f"{count:,} concepts of {TERMS} terms")
        took.append(measured(concepts, texts))
    against(took)


if __name__ == "__main__":
    main()
