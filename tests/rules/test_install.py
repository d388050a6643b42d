"""What is installed: exact pins, a torch pair that imports, an app that leaves torch alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"[a-z0-9-]+==[A-Za-z0-9.]+")


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_requirements_are_exact_pins_without_addresses(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert all(line.startswith("#") or PIN.fullmatch(line) for line in lines)


def test_every_direct_dependency_is_pinned_and_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    pinned = pins("requirements.txt") | pins("requirements-test.txt")
    for wanted in project["dependencies"] + project["optional-dependencies"]["test"]:
        assert re.sub(r"[-_.]+", "-", wanted).lower() in pinned
        assert re.search(rf'^\s*"{re.escape(wanted)}",\s+# \S+', text, re.M), wanted


def test_torch_and_torchvision_are_the_pinned_pair_and_import_together() -> None:
    pinned = pins("requirements.txt")
    for name in ("torch", "torchvision"):
        assert version(name).split("+")[0] == pinned[name], f"run make test to install {name}"
    code = "import torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_the_app_imports_leaves_torch_alone() -> None:
    modules = ["workbench.api", "workbench.cli", "workbench.worker.client"]
    modules += ["workbench.worker.supervisor", "workbench.plots.style", "pages"]
    modules += [f"pages.shared.{p.stem}" for p in (ROOT / "pages/shared").glob("[a-z]*.py")]
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
heavy = sorted({{"torch", "torchvision", "open_clip", "umap", "sklearn"}} & set(sys.modules))
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
