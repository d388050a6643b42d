"""An open workspace with the toy world in it."""

from __future__ import annotations

import pytest

from tests.api.toys import FakeClient, fill
from workbench.api import open_workspace


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "images").mkdir()
    with open_workspace(tmp_path / "space") as opened:
        fill(opened, tmp_path / "images")
        opened.fake = FakeClient()
        opened._worker_client = lambda: opened.fake
        yield opened
