"""Options that several commands share, and the opening of the workspace they name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.api import Workbench, open_workspace
from workbench.errors import InputError
from workbench.filters import Filters, parse
from workbench.prompts import class_files
from workbench.prompts.classes import ClassSet

__all__ = [
    "Commands",
    "add_where",
    "classes",
    "command",
    "group",
    "opened",
    "settings",
    "the_dataset",
    "the_model",
    "where",
]

Commands = Any  # argparse keeps the type of its subparsers private


def command(
    commands: Commands, name: str, summary: str, examples: str, *, json: bool = True
) -> argparse.ArgumentParser:
    """A command with its one-line help, examples, and the options that every command has."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary[0].lower() + summary[1:].rstrip("."),
        description=summary,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # absent unless given, so that `jobs --workspace DIR list` is not overwritten by its action
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="default: $WORKBENCH_WORKSPACE, else ./workspace",
    )
    if json:
        parser.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON on stdout"
        )
    return parser


def group(commands: Commands, name: str, summary: str, examples: str) -> tuple[Any, Commands]:
    """A command with sub-commands; the caller may give it a default one."""
    parser = command(commands, name, summary, examples)
    return parser, parser.add_subparsers(dest="action", metavar="ACTION")


def opened(args: argparse.Namespace, *, create: bool = True) -> Workbench:
    """The workspace that the command names."""
    return open_workspace(args.workspace or None, create=create)


def the_dataset(bench: Workbench, name: str | None) -> str:
    """The dataset asked for, or the only one there is.

    Raises:
        InputError: none was named and there is not exactly one.
    """
    return name or _only("dataset", [info.name for info in bench.datasets()])


def the_model(bench: Workbench, name: str | None) -> str:
    """The model asked for, or the only one there is.

    Raises:
        InputError: none was named and there is not exactly one.
    """
    return name or _only("model", [info.name for info in bench.models()])


def _only(noun: str, names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    expected = f"--{noun} with one of {', '.join(names)}" if names else f"a {noun}"
    raise InputError(f"no {noun} named", expected=expected, got="nothing")


def where(args: argparse.Namespace) -> Filters:
    """The conditions given with ``--where``."""
    return tuple(parse(text) for text in args.where)


def settings(given: Sequence[str]) -> dict[str, str]:
    """The options of a method given as ``--option NAME=VALUE``.

    Raises:
        InputError: one without an equals sign.
    """
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError("--option", expected="NAME=VALUE", got=repr(text))
        found[name.strip()] = value.strip()
    return found


def classes(bench: Workbench, given: str | None) -> ClassSet | None:
    """The class set of a file, or one kept under this key or name; None where none is named.

    Raises:
        UnknownName: neither a file nor a class set.
        InputError: the file holds no classes.
    """
    if given is None:
        return None
    path = Path(given)
    return class_files.from_file(path) if path.is_file() else bench.class_set(given)


def add_where(parser: argparse.ArgumentParser) -> None:
    """The option ``--where``, which may be repeated, and ``--match``."""
    parser.add_argument(
        "--where",
        metavar="COND",
        action="append",
        default=[],
        help="condition on a column: style=noto, size>=96, name~cat (contains), style=noto|twemoji "
        "(one of), label= (is missing); repeat for AND",
    )
    parser.add_argument(
        "--match", metavar="TEXT", default="", help="part of any text column or caption"
    )
