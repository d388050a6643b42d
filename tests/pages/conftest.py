"""A small workspace for all page tests, without a worker and without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import handle
from tests.pages import longtail_world
from tests.pages.longtail_world import World
from tests.pages.small_world import build, encode
from workbench.api import Workbench, open_workspace

if TYPE_CHECKING:
    from tests.pages.routed_world import Routed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small workspace; tests that change it take a copy."""
    root = tmp_path_factory.mktemp("small") / "workspace"
    build(root).close()
    return root


class Texts:
    """Stands in for the worker's client: texts are encoded by their words."""

    def encode_text(self, model: str, texts: list[str]) -> np.ndarray:
        return np.stack([encode(text) for text in texts])

    def encode_image(self, model: str, data: bytes) -> np.ndarray:
        return encode("red disc")

    def known_models(self) -> list[tuple[str, str]]:
        return [("ViT-B-32", "laion2b"), ("tiny", "random")]

    def close(self) -> None:
        pass


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is started, no sample world is made."""
    monkeypatch.setattr(handle, "prepare", lambda: None)
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "_worker_client", lambda self: Texts())


def _opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(root))
    bench = handle.api()
    yield bench
    handle._open.cache_clear()
    bench.close()


@pytest.fixture
def bench(made: Path, quiet: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """The small workspace, to be read."""
    yield from _opened(made, monkeypatch)


@pytest.fixture
def own(
    made: Path, quiet: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Workbench]:
    """A copy of the small workspace, to be changed."""
    shutil.copytree(made, tmp_path / "own")
    yield from _opened(tmp_path / "own", monkeypatch)


@pytest.fixture(scope="session")
def tail_made(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small workspace with countings, runs and published tables; see ``longtail_world``."""
    folder = tmp_path_factory.mktemp("tail")
    root = folder / "workspace"
    shutil.copytree(made, root)
    bench = open_workspace(root)
    longtail_world.build(bench, folder / "files").save(folder / "world.json")
    bench.close()
    return root


@pytest.fixture
def world(tail_made: Path) -> World:
    """Keys of what is in the workspace of the long tail."""
    return World.load(tail_made.parent / "world.json")


@pytest.fixture
def tail(tail_made: Path, quiet: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """The workspace of the long tail, to be read."""
    yield from _opened(tail_made, monkeypatch)


@pytest.fixture
def own_tail(
    tail_made: Path, quiet: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Workbench]:
    """A copy of the workspace of the long tail, to be changed."""
    shutil.copytree(tail_made, tmp_path / "own")
    yield from _opened(tmp_path / "own", monkeypatch)


@pytest.fixture(scope="session")
def routed_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Routed]:
    """A workspace with recorded routing, and the keys of its recordings."""
    from tests.pages import routed_world  # its models need torch, which most pages' tests do not

    folder = tmp_path_factory.mktemp("routed")
    return folder / "workspace", routed_world.build(folder / "workspace", folder)


@pytest.fixture
def routes(routed_made: tuple[Path, Routed]) -> Routed:
    """Keys of the recordings; see ``routed_world``."""
    return routed_made[1]


@pytest.fixture
def routed(
    routed_made: tuple[Path, Routed], quiet: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workbench]:
    """The workspace with recordings, to be read."""
    yield from _opened(routed_made[0], monkeypatch)


@pytest.fixture
def own_routed(
    routed_made: tuple[Path, Routed],
    quiet: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Workbench]:
    """A copy of the workspace with recordings, to be changed."""
    shutil.copytree(routed_made[0], tmp_path / "own")
    yield from _opened(tmp_path / "own", monkeypatch)


@pytest.fixture
def empty(quiet: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workbench]:
    """A workspace with nothing in it."""
    yield from _opened(tmp_path / "empty", monkeypatch)


@pytest.fixture
def visit() -> Callable[..., AppTest]:
    """Open a page of the app with address parameters; fails on an unexpected error."""

    def open_page(module: str = "", **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / "shared" / "frame.py"), default_timeout=30)
        for name, value in params.items():
            app.query_params[name] = value
        if module:
            app.switch_page(f"../{module}.py")
        return app.run()

    return open_page
