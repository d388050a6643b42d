"""The README keeps its promises: commands, pictures and importers it names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"^workbench (\w+(?: retrieval)?)", TEXT, re.M)))


def test_pictures_and_links_exist() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(targets) >= 5
    assert not [t for t in targets if not (ROOT / t).is_file()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_named_has_help_that_teaches(command: str) -> None:
    words = [sys.executable, "-m", "workbench", *command.split(), "--help"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "workbench " + command.split()[0] in shown.stdout
    assert "example" in shown.stdout.lower()


def test_every_command_is_in_the_readme() -> None:
    words = [sys.executable, "-m", "workbench", "--help"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    listed = re.findall(r"^    ([a-z]+) {2,}", shown, re.M)
    assert len(listed) >= 10
    assert not [c for c in listed if f"workbench {c}" not in TEXT]


def test_every_importer_is_in_the_readme() -> None:
    from workbench.importers.register import IMPORTERS

    titles = [importer.title for importer in IMPORTERS]
    assert len(titles) >= 6
    assert not [t for t in titles if t.lower() not in TEXT.lower()]


def test_make_targets_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake (app|test|bench|\w+)(?=[`\s]+#|`)", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.M), target
