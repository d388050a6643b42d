"""`workbench tail sources`, `fit` and `export`: accuracy by frequency, and the rare classes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.api import TailReport
from workbench.cli.options import Commands, command, opened
from workbench.cli.output import human_bytes, say, show, table
from workbench.errors import InputError
from workbench.longtail.bins import WHY_BINNING_RAISES_R, Bins
from workbench.longtail.fit import Fit
from workbench.longtail.needed import CAUTION
from workbench.measures.interval import Measure

__all__ = ["add"]

_SOURCES = """\
  workbench tail sources
  workbench tail sources --json"""
_FIT = """\
  workbench tail fit --run RUN --count COUNT
  workbench tail fit --run RUN --count COUNT --low 0.1 --high 0.5 --json
  workbench tail fit --accuracy KEY --frequency KEY --rename plane=airplane"""
_EXPORT = """\
  workbench tail export --run RUN --count COUNT --folder rare
  workbench tail export --run RUN --frequency KEY --folder rare -k 50 --json"""
_PARTS = ("overall", "head", "middle", "tail", "worst_by_frequency", "worst_by_accuracy")


def add(actions: Commands) -> None:
    """Add the actions to the group ``tail``."""
    sub = command(
        actions, "sources", "List what accuracies and frequencies can be taken from.", _SOURCES
    )
    sub.set_defaults(run=run_sources)
    sub = command(actions, "fit", "Fit accuracy against the logarithm of frequency.", _FIT)
    scored = sub.add_mutually_exclusive_group(required=True)
    # not "run": that is what the command does
    scored.add_argument(
        "--run", dest="of_run", metavar="KEY", help="a zero-shot run; see `workbench tail sources`"
    )
    scored.add_argument("--accuracy", metavar="KEY", help="any source of accuracies")
    _add_frequency(sub)
    sub.add_argument("--bins", type=int, default=10, metavar="N", help="of frequency; default: 10")
    sub.add_argument("--low", type=float, default=0.2, help="where the tail ends; default: 0.2")
    sub.add_argument("--high", type=float, default=0.8, help="where the head begins; default: 0.8")
    sub.add_argument(
        "--by",
        choices=("share", "count"),
        default="share",
        help="whether both cuts are shares of the classes (default) or counts",
    )
    sub.add_argument(
        "--gain", type=float, default=10.0, metavar="POINTS", help="asked of more data; default: 10"
    )
    sub.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="CLASS=COUNTED",
        help="the class has another name among the counts; repeat it",
    )
    sub.add_argument("--seed", type=int, default=0, help="of the intervals")
    sub.set_defaults(run=run_fit)
    sub = command(
        actions, "export", "Write the rarest classes of a run as a test set of their own.", _EXPORT
    )
    sub.add_argument("--run", dest="of_run", metavar="KEY", required=True, help="a zero-shot run")
    _add_frequency(sub)
    sub.add_argument("--folder", metavar="DIR", type=Path, required=True, help="new, or empty")
    sub.add_argument("-k", type=int, default=20, metavar="N", help="classes; default: 20")
    sub.set_defaults(run=run_export)


def _add_frequency(parser: ArgumentParser) -> None:
    counted = parser.add_mutually_exclusive_group(required=True)
    counted.add_argument("--count", metavar="KEY", help="a counting made here")
    counted.add_argument(
        "--frequency",
        metavar="KEY",
        help="any source of frequencies; images:RUN:THRESHOLD counts the images a run tags",
    )


def run_sources(args: Namespace) -> int:
    """Print every source with the key that ``fit`` and ``export`` take."""
    with opened(args) as bench:
        answer = {"accuracy": bench.accuracy_sources(), "frequency": bench.frequency_sources()}
    lines = []
    for name, sources in answer.items():
        rows = [{"key": s.key, "kind": s.kind, "title": s.title} for s in sources]
        text = table(rows, ("key", "kind", "title")) if rows else "none yet"
        lines += [f"{name}:", text, ""]
    show(args, answer, lines[:-1])
    return 0


def run_fit(args: Namespace) -> int:
    """Print both lines, the parts of the tail, and which names fit nowhere."""
    accuracy = args.accuracy or f"run:{_bare(args.of_run, 'run')}"
    frequency = _frequency(args)
    with opened(args) as bench:
        found = bench.tail(
            accuracy,
            frequency,
            bins=args.bins,
            low=args.low,
            high=args.high,
            by=args.by,
            gain=args.gain,
            renames=_renames(args.rename),
            seed=args.seed,
        )
    for text in _remarks(found):
        say(text)
    show(args, _answer(found, accuracy, frequency), _lines(found))
    return 0


def run_export(args: Namespace) -> int:
    """Write the folder and print what is in it."""
    with opened(args) as bench:
        run = _bare(args.of_run, "run")
        written = bench.export_tail(run, _frequency(args), args.folder.absolute(), k=args.k)
    lines = [
        f"{written.images:,} images ({human_bytes(written.bytes)}) of the rarest classes are in "
        f"{written.folder}",
        *(f"no image of {name}" for name in written.empty),
    ]
    show(args, written, lines)
    return 0


def _frequency(args: Namespace) -> str:
    return str(args.frequency or f"count:{_bare(args.count, 'count')}")


def _bare(key: str, kind: str) -> str:
    """The key of a run or counting, given alone or as `sources` prints it."""
    return key.removeprefix(f"{kind}:")


def _renames(given: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, equals, other in pairs:
        if not (name and equals and other):
            got = f"{name}{equals}{other}"
            raise InputError("--rename", expected="CLASS=COUNTED", got=repr(got))
    return {name.strip(): other.strip() for name, _, other in pairs}


def _answer(found: TailReport, accuracy: str, frequency: str) -> dict[str, Any]:
    parts = {name: getattr(found.tails, name) for name in _PARTS}
    return {
        "accuracy": {"key": accuracy, "title": found.accuracies.title},
        "frequency": {"key": frequency, "title": found.frequency.label},
        "per_class": found.fit,
        "binned": found.binned,
        "bins": _bins(found.bins),
        "zeros": found.bins.zero,
        "tails": {**parts, "cuts": found.tails.cuts},
        "needed": {"gain": found.gain, "times_more": found.needed},
        "unmatched": {each.name: each.suggestions for each in found.match.unmatched},
        "notes": {"binning": WHY_BINNING_RAISES_R, "needed": CAUTION},
    }


def _bins(bins: Bins) -> list[dict[str, Any]]:
    return [
        {
            "low": 10 ** bins.edges[b],
            "high": 10 ** bins.edges[b + 1],
            "classes": bins.n[b],
            "accuracy": bins.mean[b],
            "interval": [bins.low[b], bins.high[b]],
        }
        for b in range(len(bins.n))
    ]


def _lines(found: TailReport) -> list[str]:
    fits = [_fit_row(name, fit) for name, fit in (("class", found.fit), ("bin", found.binned))]
    parts = [
        {"part": name.replace("_", " "), **_figures(getattr(found.tails, name), "classes")}
        for name in _PARTS
    ]
    low, high = found.tails.cuts
    need = found.needed
    return [
        f"{found.accuracies.title} against {found.frequency.label}",
        "",
        table(fits, list(fits[0])),
        WHY_BINNING_RAISES_R,
        "",
        f"tail below {low:,.10g}, head from {high:,.10g} captions:",
        table(parts, list(parts[0])),
        "",
        f"For {found.gain:g} points more: {need.value:.3g} times the captions "
        f"({need.low:.3g} to {need.high:.3g}). {CAUTION}",
    ]


def _fit_row(over: str, fit: Fit) -> dict[str, Any]:
    return {
        "a point is a": over,
        "r": fit.r.value,
        "r low": fit.r.low,
        "r high": fit.r.high,
        "p": f"{fit.p:.2g}",
        "slope": fit.slope.value,
        "slope low": fit.slope.low,
        "slope high": fit.slope.high,
        "rho": fit.rho,
        "n": fit.n,
    }


def _figures(measure: Measure, noun: str) -> dict[str, Any]:
    return {"accuracy": measure.value, "low": measure.low, "high": measure.high, noun: measure.n}


def _remarks(found: TailReport) -> list[str]:
    """What is not in the line, and which names fit nowhere."""
    texts = []
    if found.fit.zeros:
        texts.append(f"{found.fit.zeros:,} classes with a count of 0 have no logarithm; set apart")
    if found.fit.absent:
        texts.append(f"{found.fit.absent:,} classes without a count or accuracy; left out")
    for each in found.match.unmatched[:20]:
        near = f"; perhaps {', '.join(each.suggestions)}" if each.suggestions else ""
        texts.append(f"no count for {each.name}{near} (say --rename CLASS=COUNTED)")
    return texts
