"""Settings from the environment, read in one place."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["REPOSITORY", "default_workspace", "offline"]

REPOSITORY = Path(__file__).resolve().parents[1]
"""The folder that holds app.py, sample_data/ and the rest."""


def default_workspace() -> Path:
    """The workspace folder when none is named: $WORKBENCH_WORKSPACE, else ./workspace."""
    return Path(os.environ.get("WORKBENCH_WORKSPACE") or "workspace").expanduser().resolve()


def offline() -> bool:
    """True when nothing may be downloaded: $WORKBENCH_OFFLINE is set to anything but 0."""
    return os.environ.get("WORKBENCH_OFFLINE", "0") not in ("", "0")
