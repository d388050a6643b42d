"""kill -9 of the app and of the worker, at random moments of an import: nothing lost or doubled."""

from __future__ import annotations

import io
import os
import random
import signal
import tarfile
import time
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from tests.faults.app_session import App, press
from workbench.api import open_workspace

GOOD, BROKEN, KILLS, LATEST = 4000, 7, 20, 1.2
SEED = 20_240_607

pytestmark = pytest.mark.faults


@pytest.fixture
def shard(tmp_path):
    """A WebDataset shard of small captioned images, some of them broken."""
    random_pixels = np.random.default_rng(SEED)
    path = tmp_path / "tiny.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(GOOD + BROKEN):
            buffer = io.BytesIO()
            pixels = random_pixels.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(buffer, "PNG")
            broken = number % 600 == 1
            data = b"\x89PNG, but no further" if broken else buffer.getvalue()
            for suffix, content in (("png", data), ("txt", f"picture {number}".encode())):
                member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_an_import_survives_kills_of_app_and_worker(tmp_path, shard):
    space, log = tmp_path / "space", tmp_path / "app.log"
    chance = random.Random(SEED)
    with open_workspace(space) as bench:
        bench.set_setting("sample", "removed")
        try:
            hits, app = 0, App(space, log)
            for left in reversed(range(KILLS)):
                # The next one starts meanwhile: it is slow to start, and two may run at once.
                dying, app = app, App(space, log) if left else None
                hits += kill_in_the_middle(bench, dying, shard, chance)
            # Some moments come before the press has arrived or after the last part: not many.
            assert hits >= KILLS // 2
            finish(bench)
        finally:
            if app is not None:
                app.kill()
            bench.stop_worker()
        check_counts(bench, shard)
        assert [finding for finding in bench.doctor() if not finding.harmless] == []
        bench.gc(dry_run=False)
        assert bench.doctor() == ()


def kill_in_the_middle(bench, app, shard, chance) -> bool:
    """One round: a person presses Import, then app and worker die; True if it was under way."""
    moments = sorted([(chance.uniform(0, LATEST), end) for end in (app.kill, worker_killer(bench))])
    with app.connect() as page, suppress(OSError):
        press(page, "datasets", f"tab=Import&path={shard}", "Import")
        pressed = time.monotonic()
        for moment, kill in moments:
            time.sleep(max(0.0, pressed + moment - time.monotonic()))
            under_way = bool(bench.jobs(("queued", "running")))
            kill()
    return under_way


def worker_killer(bench):
    def kill():
        for worker in bench.workers():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    return kill


def finish(bench):
    """Let a new worker do what is left."""
    bench.wait_worker()
    for job in bench.jobs(("queued", "running")):
        assert bench.wait(job.id, timeout=60).state == "done"
    again = bench.submit_import(bench.root.parent / "tiny.tar", "tiny")
    result = bench.wait(again.id, timeout=60).result
    assert (result["imported"], result["already"]) == (0, GOOD)


def check_counts(bench, shard):
    info = bench.dataset("tiny")
    assert (info.items, info.captions, info.skipped) == (GOOD, GOOD, BROKEN)
    table = bench.items("tiny")
    assert table["row"].to_pylist() == list(range(GOOD))
    numbers = [n for n in range(GOOD + BROKEN) if n % 600 != 1]
    names = table["item"].to_pylist()
    assert sorted(names) == [f"tiny/{n:06d}" for n in numbers]
    captions = bench.workspace.tables.captions("tiny").to_pydict()
    expected = {name: f"picture {int(name.rsplit('/', 1)[1])}" for name in names}
    found = {
        names[item]: text for item, text in zip(captions["item_row"], captions["text"], strict=True)
    }
    assert found == expected
    with tarfile.open(shard) as tar:
        for row in range(0, GOOD, 97):
            member = tar.extractfile(f"{names[row].rsplit('/', 1)[1]}.png")
            assert bench.image("tiny", row) == member.read()
