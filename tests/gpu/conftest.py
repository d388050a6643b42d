"""The tiny model, registered or loaded once for all tests of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.tiny import bundle
from workbench.gpu import registry
from workbench.gpu.device import Device
from workbench.gpu.encoder import Encoder
from workbench.gpu.gate import Gate

CPU = Device("cpu", "cpu")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def encoder(tiny: Path) -> Encoder:
    info = registry.describe("", str(tiny), name="tiny", device=CPU)
    return registry.load(info, CPU, tiny.parent, Gate())[0]
