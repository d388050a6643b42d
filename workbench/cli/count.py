"""`workbench count`: how often captions name each concept of a class set."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.api import FINAL, CountRun, Workbench
from workbench.cli.following import add_waiting, follow, outcome
from workbench.cli.options import Commands, classes, command, opened, settings
from workbench.cli.output import say, show, table
from workbench.errors import InputError
from workbench.longtail.corpus_files import KINDS
from workbench.longtail.rules import RULES

__all__ = ["add"]

_EXAMPLES = """\
  workbench count
      list the captions that can be counted, and what was counted
  workbench count pretrain --json
      the sample's own captions by the sample's classes
  workbench count captions.csv.gz --classes imagenet --rule lemmas
  workbench count 'shards/*.tar' --name web --classes concepts.txt --rule substring -o lower=true

CAPTIONS is the name of a corpus or of a dataset, or files of captions: text (one a line), CSV,
TSV, JSON lines, Parquet, WebDataset tars, each also .gz; folders; patterns with *. --classes takes
a file (.txt, .csv, .json), imagenet, sample or the name of a kept class set. Lines that cannot be
read are named on stderr, and the count goes on. A count is made once and kept; one that was stopped
goes on behind the last shard that was finished."""

_TOP = 20
_SHOWN = 10


def add(commands: Commands) -> None:
    """Add the command."""
    sub = command(commands, "count", "Count in how many captions each concept is named.", _EXAMPLES)
    sub.add_argument("captions", metavar="CAPTIONS", nargs="*", help="a corpus, or files")
    sub.add_argument("--classes", metavar="FILE|NAME", help="the concepts; default: sample")
    sub.add_argument(
        "--rule",
        choices=[rule.key for rule in RULES],
        default="words",
        help="when a caption counts; default: words",
    )
    sub.add_argument(
        "-o",
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the rule: lower=true (substring), skip_unknown=true (lemmas)",
    )
    sub.add_argument(
        "--no-synonyms",
        dest="synonyms",
        action="store_false",
        help="count the names of the classes alone",
    )
    sub.add_argument("--column", metavar="NAME", help="that holds the captions in the files")
    sub.add_argument("--name", help="of the corpus that the files become; default: as the first")
    sub.add_argument(
        "--top", type=int, default=_TOP, metavar="N", help=f"concepts in the text; default: {_TOP}"
    )
    add_waiting(sub)
    sub.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Count (or take the kept count), print the concepts."""
    with opened(args) as bench:
        bench.ensure_sample()
        if not args.captions:
            return _list(bench, args)
        job = bench.submit_count(
            _corpus(bench, args),
            classes=classes(bench, args.classes),
            synonyms=args.synonyms,
            rule=args.rule,
            options=settings(args.option),
        )
        (job,) = follow(bench, [job], args)
        if job.state != "done":
            show(args, {"job": job}, f"job {job.id} is {job.state}")
            return outcome([job], finished=job.state in FINAL)
        found = bench.count_run(job.result["run"])
        concepts = bench.count_concepts(found.key).to_pylist()
        terms = bench.count_terms(found.key).to_pylist() if args.json else []
    for problem in found.problems[:_SHOWN]:
        say(problem)
    if found.found > _SHOWN:
        say(f"and {found.found - _SHOWN:,} more that could not be read")
    show(args, _answer(found, concepts, terms), _lines(found, concepts, args.top))
    return 0


def _corpus(bench: Workbench, args: Namespace) -> str:
    """The corpus of this name, else one of these files, added where it is new."""
    known = {each.name: each for each in bench.corpora()}
    given: list[str] = args.captions
    if len(given) == 1 and given[0] in known:
        for option in ("column", "name"):
            if getattr(args, option) is not None:
                raise InputError(f"--{option}", expected="files", got=f"corpus {given[0]!r}")
        return given[0]
    if len(given) == 1 and not _is_path(given[0]):
        raise InputError(
            f"captions {given[0]!r}",
            expected="files, or one of " + (", ".join(known) or "none yet"),
            got="neither",
        )
    paths = tuple(str(Path(path).expanduser().absolute()) for path in given)
    for each in known.values():
        same = each.kind == "files" and (each.paths, each.column) == (paths, args.column)
        if same and args.name in (None, each.name):
            return each.name
    return bench.add_corpus(args.name or _free(given, known), given, args.column).name


def _is_path(given: str) -> bool:
    """Whether it looks like files rather than like a name that was misspelt."""
    path = Path(given).expanduser()
    return path.exists() or "*" in given or "/" in given or path.suffix.lower() in {*KINDS, ".gz"}


def _free(given: Sequence[str], known: dict[str, Any]) -> str:
    """A name after the first file that nothing has yet."""
    stem = Path(given[0]).name.split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:48] or "captions"
    taken = (nth for nth in range(2, len(known) + 3) if f"{name}-{nth}" not in known)
    return name if name not in known else f"{name}-{next(taken)}"


def _answer(
    found: CountRun, concepts: list[dict[str, Any]], terms: list[dict[str, Any]]
) -> dict[str, Any]:
    by_concept: dict[int, list[dict[str, Any]]] = {}
    for term in terms:
        by_concept.setdefault(term.pop("concept"), []).append(term)
    return {
        "run": found.key,
        "corpus": found.corpus,
        "rule": found.rule,
        "classes": found.classes_name,
        "synonyms": found.synonyms,
        "captions": found.captions,
        "matched": found.matched,
        "empty": found.empty,
        "unreadable": found.found,
        "problems": list(found.problems),
        "seconds": found.seconds,
        "concepts": [
            {**row, "terms": by_concept.get(row.pop("concept"), [])} for row in map(dict, concepts)
        ],
    }


def _lines(found: CountRun, concepts: list[dict[str, Any]], top: int) -> list[str]:
    named = sum(1 for row in concepts if row["captions"])
    head = (
        f"{found.label}: {found.matched:,} of {found.captions:,} captions name one of "
        f"{len(concepts):,} concepts; named nowhere: {len(concepts) - named:,}"
    )
    rows = sorted(concepts, key=lambda row: -row["captions"])[: max(0, top)]
    shown = [
        {"concept": r["name"], "captions": r["captions"], "most frequent name": r["most_frequent"]}
        for r in rows
    ]
    lines = [head, f"run {found.key}"]
    if shown:
        lines += ["", table(shown, list(shown[0]))]
    if len(concepts) > len(shown):
        lines.append(f"and {len(concepts) - len(shown):,} rarer ones; --json prints all")
    return lines


def _list(bench: Workbench, args: Namespace) -> int:
    """What can be counted, and what was."""
    corpora, counts = bench.corpora(), bench.counts()
    rows = [
        {
            "run": each.key,
            "corpus": each.corpus,
            "rule": each.rule,
            "classes": each.classes_name,
            "synonyms": "yes" if each.synonyms else "no",
            "captions": each.captions,
            "matched": each.matched,
            "current": "yes" if each.current else "no",
        }
        for each in counts
    ]
    names = ", ".join(f"{each.name} ({each.kind})" for each in corpora)
    lines = [f"Captions: {names or 'none yet; name files to count in'}", ""]
    lines.append(table(rows, list(rows[0])) if rows else "Nothing was counted yet.")
    show(args, {"corpora": corpora, "counts": counts}, lines)
    return 0
