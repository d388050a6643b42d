"""Corpora of captions: adding them, counting concepts in them, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from workbench.api.search import Search
from workbench.api.work import Work
from workbench.errors import InputError, UnknownName
from workbench.longtail.concepts import Concepts, Counts
from workbench.longtail.corpus_files import open_corpus
from workbench.longtail.corpus_report import Report
from workbench.longtail.matching import Matcher
from workbench.longtail.rules import Options, rule_named
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo
from workbench.worker.corpora import CorpusInfo, Readable, corpora, corpus_named, opened
from workbench.worker.count_question import KIND as COUNT
from workbench.worker.count_question import question, titled

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["CaptionExample", "Corpora", "CountRun"]


@dataclass(frozen=True)
class CountRun:
    """One counting of concepts in a corpus.

    Args:
        key: of the run.
        corpus: its name.
        rule: key of the rule, with the options that change what it counts.
        title: the rule on screen.
        classes_key: version of the class set.
        classes_name: its name.
        synonyms: captions count that have any of several names.
        concepts: C.
        captions: read, the empty ones included.
        matched: with at least one concept.
        empty: without any text.
        found: lines, rows and members that could not be read.
        problems: the first 100 of them, each with file and line.
        seconds: that it took.
        created: seconds since 1970.
        current: the corpus is as it was.
        pairs_complete: which concepts stand together was counted for all captions.
    """

    key: str
    corpus: str
    rule: str
    title: str
    classes_key: str
    classes_name: str
    synonyms: bool
    concepts: int
    captions: int
    matched: int
    empty: int
    found: int
    problems: tuple[str, ...]
    seconds: float
    created: float
    current: bool
    pairs_complete: bool

    @property
    def label(self) -> str:
        """One line that says which quantity this is."""
        return f"{self.corpus} · {self.rule} · {'with synonyms' if self.synonyms else 'name only'}"


@dataclass(frozen=True)
class CaptionExample:
    """One caption that names a concept.

    Args:
        number: of the caption in its corpus.
        text: the caption.
        spans: (start, end) of the words that name the concept.
        item: row of the item it belongs to, in the dataset of the corpus's name; -1 for none.
        where: file and line, or the dataset's row.
    """

    number: int
    text: str
    spans: tuple[tuple[int, int], ...]
    item: int
    where: str


class Corpora(Search, Work):
    """Questions about captions."""

    def corpora(self) -> tuple[CorpusInfo, ...]:
        """Every corpus: the sample's captions, files that were added, datasets' own captions."""
        return corpora(self.workspace)

    def add_corpus(
        self, name: str, paths: Sequence[str | Path] | str | Path, column: str | None = None
    ) -> CorpusInfo:
        """Remember captions in files under a name; nothing is read but the beginning.

        Args:
            name: free among corpora and datasets.
            paths: text, CSV, TSV, JSON lines, Parquet, WebDataset tars, each also ``.gz``; folders
                and patterns with ``*``.
            column: that holds the captions; found by its name when None.

        Raises:
            InputError: a name that is taken or not allowed, no such file, or no such column.
        """
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        datasets = {info.name for info in self.workspace.catalog.datasets()}
        if name in datasets | {each.name for each in self.corpora() if each.kind != "files"}:
            raise InputError(f"corpus {name!r}", expected="a name that is free", got="a taken one")
        absolute = [str(Path(path).expanduser().absolute()) for path in given]
        place = int(column) if column is not None and column.isdigit() else column
        open_corpus([Path(path) for path in absolute], place)
        self.workspace.corpora.add(name, {"paths": absolute, "column": column})
        return corpus_named(self.workspace, name)

    def remove_corpus(self, name: str) -> None:
        """Forget a corpus of files; its files and the counts that were made stay."""
        self.workspace.corpora.remove(name)

    def corpus_preview(self, name: str, limit: int = 10) -> tuple[str, ...]:
        """The first captions of a corpus.

        Raises:
            UnknownName: no such corpus.
            InputError: it cannot be read.
        """
        corpus = opened(self.workspace, corpus_named(self.workspace, name))
        found: list[str] = []
        told = Report()  # broken lines are for the count to name
        for shard in corpus.shards:
            for table in corpus.read(shard, told):
                found += table["caption"].slice(0, limit - len(found)).to_pylist()
                if len(found) >= limit:
                    return tuple(found)
        return tuple(found)

    def submit_count(
        self,
        corpus: str,
        *,
        classes: ClassSet | None = None,
        synonyms: bool = True,
        rule: str = "words",
        options: Mapping[str, Any] | None = None,
    ) -> JobInfo:
        """Queue a counting; the same question is never counted twice.

        Args:
            corpus: its name.
            classes: whose names are looked for; the sample world's when None.
            synonyms: a caption counts that has any of a class's names.
            rule: key of one of ``workbench.longtail.rules.RULES``.
            options: of the rule.

        Raises:
            UnknownName: no such corpus or rule.
            InputError: an option that is not allowed, or concepts that cannot be looked for.
        """
        params = question(
            self.workspace, corpus, classes=classes, synonyms=synonyms, rule=rule, options=options
        )
        return self.workspace.jobs.submit(
            COUNT, params, title=titled(self.workspace, params), unit="captions", priority=5
        )

    def counts(self) -> tuple[CountRun, ...]:
        """Every counting that was made, newest first."""
        versions: dict[str, str] = {}
        return tuple(self._count_run(run, versions) for run in self.workspace.runs.list(COUNT))

    def count_run(self, key: str) -> CountRun:
        """One counting by its key.

        Raises:
            UnknownName: there is none.
        """
        return self._count_run(self._counted(key), {})

    def _count_run(self, run: Run, versions: dict[str, str]) -> CountRun:
        params, result = run.params, run.result
        name = params["corpus"]
        if name not in versions:
            versions[name] = self._corpus_version(name)
        return CountRun(
            key=run.key,
            corpus=name,
            rule=result["rule"],
            title=rule_named(params["rule"]).title,
            classes_key=params["classes"],
            classes_name=self.workspace.sets.name("classes", params["classes"]),
            synonyms=params["synonyms"],
            concepts=len(self._count_table(run, "concepts")),
            captions=result["captions"],
            matched=result["matched"],
            empty=result["empty"],
            found=result["found"],
            problems=tuple(result["problems"]),
            seconds=result["seconds"],
            created=run.created,
            current=versions[name] == params["version"],
            pairs_complete=result["pairs_complete"],
        )

    def _corpus_version(self, name: str) -> str:
        """Version of a corpus as it is now; nothing when it is gone."""
        corpus = self._readable(name)
        return "" if corpus is None else corpus.key

    def _readable(self, name: str) -> Readable | None:
        """A corpus to be read; None when it was removed or its files are gone."""
        try:
            corpus = opened(self.workspace, corpus_named(self.workspace, name))
            return corpus if corpus.key else None
        except (InputError, UnknownName, OSError):
            return None

    def _counted(self, key: str) -> Run:
        run = self.workspace.runs.get(key)
        if run.kind != COUNT:
            known = [each.key for each in self.workspace.runs.list(COUNT)]
            raise UnknownName("counting", key, known)
        return run

    def _count_table(self, run: Run, name: str) -> pa.Table:
        return self.workspace.runs.table(run, name)

    def count_concepts(self, key: str) -> pa.Table:
        """Concepts of a counting: columns concept, name, captions, most_frequent."""
        return self._count_table(self._counted(key), "concepts")

    def count_terms(self, key: str, concept: int | None = None) -> pa.Table:
        """Every name and synonym with its captions: concept, term, captions, alone.

        ``alone`` counts the captions that name no other concept.
        """
        table = self._count_table(self._counted(key), "terms")
        return table if concept is None else table.filter(pc.equal(table["concept"], concept))

    def count_together(self, key: str, concept: int, limit: int = 50) -> pa.Table:
        """Concepts that stand in captions with this one: concept, name, captions; most first.

        Raises:
            UnknownName: no such counting.
            InputError: no concept at this place.
        """
        import pyarrow as pa

        run = self._counted(key)
        self._check_concept(run, concept)
        pairs = self._count_table(run, "pairs")
        names = np.array(self._count_table(run, "concepts")["name"].to_pylist(), dtype=object)
        a, b, n = (pairs[name].to_numpy() for name in ("a", "b", "captions"))
        here = (a == concept) | (b == concept)
        other, n = np.where(a == concept, b, a)[here], n[here]
        order = np.lexsort((other, -n))[:limit]
        called = pa.array(names[other[order]], pa.string())
        return pa.table({"concept": other[order], "name": called, "captions": n[order]})

    def _check_concept(self, run: Run, concept: int) -> None:
        count = len(self._count_table(run, "concepts"))
        if not 0 <= concept < count:
            expected = f"a place from 0 to {count - 1}"
            raise InputError("concept of the counting", expected=expected, got=str(concept))

    def count_examples(self, key: str, concept: int, limit: int = 20) -> tuple[CaptionExample, ...]:
        """Captions that name a concept, the first of the corpus, with the words marked.

        Raises:
            UnknownName: no such counting.
            InputError: no concept at this place.
        """
        run = self._counted(key)
        self._check_concept(run, concept)
        table = self._count_table(run, "examples")
        rows = table.filter(pc.equal(table["concept"], concept)).slice(0, limit).to_pylist()
        concepts = self._concepts(run)
        one = Concepts.of([concepts.names[concept]], [concepts.terms[concept][1:]])
        options, skip = Options(**run.params["options"]), run.result["skip"]
        matcher = Matcher(one, run.params["rule"], options, skip)
        name = run.params["corpus"]
        items = self._items_of(name, [row["number"] for row in rows])
        corpus = None if items else self._readable(name)
        return tuple(
            CaptionExample(
                number=row["number"],
                text=row["caption"],
                spans=tuple((start, end) for start, end, _ in matcher.spans(row["caption"])),
                item=items.get(row["number"], -1),
                where=_where(corpus, row["number"]) or f"{name}, caption {row['number']}",
            )
            for row in rows
        )

    def _items_of(self, corpus: str, numbers: Sequence[int]) -> dict[int, int]:
        """Caption number -> item row, where the corpus is a dataset's own captions."""
        kinds = {each.name: each.kind for each in self.corpora()}
        if kinds.get(corpus) != "dataset" or not numbers:
            return {}
        found = self.workspace.tables.captions(corpus, np.array(numbers, dtype=np.int64))
        return dict(zip(found["row"].to_pylist(), found["item_row"].to_pylist(), strict=True))

    def _concepts(self, run: Run) -> Concepts:
        from workbench.worker.count_job import concepts_of

        return concepts_of(self.workspace, run.params)

    def counted(self, key: str) -> Counts:
        """A counting as the library's own type, for further work in a notebook."""
        run = self._counted(key)
        terms, pairs = self._count_table(run, "terms"), self._count_table(run, "pairs")
        return Counts(
            concepts=self._concepts(run),
            rule=run.result["rule"],
            corpus=run.params["corpus"],
            captions=run.result["captions"],
            matched=run.result["matched"],
            distinct=self._count_table(run, "concepts")["captions"].to_numpy().astype(np.int64),
            by_term=terms["captions"].to_numpy().astype(np.int64),
            pairs=(
                pairs["a"].to_numpy().astype(np.int64),
                pairs["b"].to_numpy().astype(np.int64),
                pairs["captions"].to_numpy().astype(np.int64),
            ),
            pairs_complete=run.result["pairs_complete"],
            alone=terms["alone"].to_numpy().astype(np.int64),
        )


def _where(corpus: Any, number: int) -> str:
    """File and line of a caption, where the corpus has files that are still there."""
    try:
        return str(corpus.where(number)) if corpus is not None else ""
    except (AttributeError, InputError):
        return ""
