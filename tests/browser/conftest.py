"""A real app on a fresh workspace, and a real browser; skipped where there is no Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pages import small_world
from workbench.api import Workbench, open_workspace

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PATIENCE = 600.0

pytestmark = pytest.mark.browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class App:
    """A running app: its address, and its workspace opened beside it."""

    address: str
    bench: Workbench


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app as ``make app`` starts it, on an empty workspace that fills with the sample world."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    root = tmp_path_factory.mktemp("browser") / "workspace"
    port = free_port()
    log = (root.parent / "app.log").open("wb")
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"WORKBENCH_WORKSPACE": str(root), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://localhost:{port}"
        answered(address + "/_stcore/health", process)
        bench = open_workspace(root)
        searchable(bench)
        small_world.fill(bench)
        yield App(address, bench)
        bench.stop_worker()
        bench.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("localhost", 0))
        return int(held.getsockname()[1])


def answered(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended by itself"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} did not answer within {PATIENCE:.0f} s")


def searchable(bench: Workbench) -> None:
    """Wait until the sample's test images can be searched with its first model."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done = [v for v in bench.vectors() if v.dataset == "test" and v.complete]
        if {vectors.side for vectors in done} == {"image", "caption"}:
            return
        failed = bench.jobs(("failed", "refused"))
        assert not failed, [job.error for job in failed]
        time.sleep(0.5)
    raise AssertionError(f"the sample world was not searchable within {PATIENCE:.0f} s")


@pytest.fixture(scope="session")
def chromium(app: App) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Visitor:
    """A browser page that notes every request that leaves this machine and every script error."""

    def __init__(self, browser: object, app: App) -> None:
        self.app = app
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.left: list[str] = []
        self.broken: list[str] = []
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _note(self, address: str) -> None:
        if not address.startswith((self.app.address, "data:", "blob:")):
            self.left.append(address)

    def open(self, path: str) -> object:
        self.page.goto(f"{self.app.address}/{path}")
        self.page.locator(".st-key-worker").wait_for()
        return self.page

    def click_point(self, script: str, point: list[int], figure: int = 0) -> list[float]:
        """Click a point of a figure until the address changes; what the script said of it.

        The first start still makes what pages show: a figure drawn anew below the pointer takes
        no click, and a person would click again.

        Args:
            script: JavaScript that brings the point into view and gives its x and y on the screen,
                and anything else.
            point: what the script needs to find it.
            figure: place of the figure on the page, which is waited for.
        """
        from playwright.sync_api import TimeoutError as NothingHappened

        for _ in range(5):
            self.page.locator(".js-plotly-plot .nsewdrag").nth(figure).wait_for()
            self.settle()
            found: list[float] = self.page.evaluate(script, point)
            self.page.mouse.move(*found[:2])
            self.page.wait_for_timeout(300)  # a click goes to the point that is hovered
            before = self.page.url
            self.page.mouse.click(*found[:2])
            with suppress(NothingHappened):
                self.page.wait_for_function(
                    "url => location.href !== url", arg=before, timeout=9000
                )
                return found
        raise AssertionError(f"five clicks on {point} have changed nothing")

    def settle(self) -> None:
        """Wait until the server has drawn what was asked for."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
        self.page.wait_for_timeout(200)


@pytest.fixture
def visitor(chromium: object, app: App) -> Iterator[Visitor]:
    made = Visitor(chromium, app)
    yield made
    made.context.close()
    assert not made.left, "requests left this machine"
    assert not made.broken, "scripts of the page failed"
