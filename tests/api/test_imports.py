"""Neither the API nor the command line brings torch into the process that uses them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench.settings import REPOSITORY

_HEAVY = ("torch", "torchvision", "open_clip", "faiss", "duckdb", "streamlit")


@pytest.mark.parametrize("module", ["workbench.api", "workbench.cli"])
def test_importing_is_light(module):
    code = f"import sys; import {module}; print([m for m in {_HEAVY!r} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
