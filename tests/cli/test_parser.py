"""The command line teaches: every command has a summary, examples that parse, and its options."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest

from workbench.cli import build_parser, main


def _parsers(parser, words=()):
    yield " ".join(words), parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from _parsers(sub, (*words, name))


PARSERS = dict(_parsers(build_parser()))
EXAMPLES = sorted(
    {
        line.strip()
        for parser in PARSERS.values()
        for line in (parser.epilog or "").splitlines()
        if re.match(r"\s+workbench ", line)
    }
)


@pytest.mark.parametrize("name", sorted(set(PARSERS) - {""}))
def test_every_command_explains_itself(name):
    parser = PARSERS[name]
    assert parser.description.endswith(".")
    assert "examples:\n  workbench " in parser.epilog
    assert "--workspace" in parser.format_help()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_parses(example):
    words = shlex.split(example.partition(" && ")[0], comments=True)
    build_parser().parse_args(words[1:])


def test_there_are_examples_of_every_command():
    shown = {shlex.split(example)[1] for example in EXAMPLES}
    top = {name for name in PARSERS if name and " " not in name}
    assert shown == top


def test_the_workspace_may_be_named_before_or_after_the_action():
    for words in (["jobs", "--workspace", "x", "list"], ["jobs", "list", "--workspace", "x"]):
        assert build_parser().parse_args(words).workspace == "x"


def test_unknown_options_end_with_status_2(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["search", "--nonsense"])
    assert stopped.value.code == 2
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err


def test_the_exit_states_are_documented():
    text = PARSERS[""].epilog
    assert [int(n) for n in re.findall(r"^  (\d+) ", text, re.MULTILINE)] == [0, 1, 2, 3, 130]
