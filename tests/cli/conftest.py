"""The command line on a workspace with the toy world, without a worker."""

from __future__ import annotations

import json

import pytest

from tests.api.toys import FakeClient, fill
from workbench.api import Workbench, open_workspace
from workbench.cli import main


@pytest.fixture
def space(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
    fake = FakeClient()
    monkeypatch.setattr(Workbench, "_worker_client", lambda self: fake)
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "space"))
    return tmp_path / "space"


@pytest.fixture
def ask(space, capsys):
    """Run a command; its status and the JSON that it printed, with nothing else on stdout."""

    def run(*words):
        capsys.readouterr()
        status = main([*words, "--json"])
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out else None, captured.err

    return run
