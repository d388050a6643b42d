"""An empty workspace, and the tiny model of the tests of workbench.gpu."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.workspace import Workspace


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.gpu.tiny import bundle

    return bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def space(tmp_path: Path):
    with Workspace.open(tmp_path / "space") as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.open(tmp_path / "workspace") as opened:
        yield opened
