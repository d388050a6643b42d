"""An import can be stopped at any moment, and goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from store import doctor
from tests.importers.making import picture, write_folder
from tests.worker.import_world import column, leftovers, run, submit
from workbench.errors import Cancelled
from workbench.importers.folder import ImageFolder
from workbench.settings import REPOSITORY
from workbench.worker import import_job
from workbench.worker.control import Control, Interrupted
from workbench.worker.import_reading import ahead


@pytest.fixture
def source(tmp_path):
    return write_folder(tmp_path / "in", {f"{i:03}.jpg": picture() for i in range(60)})


def seconds_to_stop(workspace, path, after):
    """Cancel a running import, as a person would; how long it took to end."""
    job = submit(workspace, path)
    control = Control(job, workspace, "w")
    asked = []

    def cancel():
        time.sleep(after)
        workspace.jobs.cancel(job.id)
        asked.append(time.monotonic())

    person = threading.Thread(target=cancel)
    person.start()
    with pytest.raises(Cancelled):
        import_job.run(job, workspace, control)
    ended = time.monotonic()
    person.join()
    workspace.jobs.mark_cancelled(job.id, "w")
    return ended - asked[0]


def test_cancel_while_images_are_slow(workspace, source, monkeypatch):
    from workbench.worker import import_reading

    real = import_reading.probe

    def slow(*args, **options):
        time.sleep(0.4)
        return real(*args, **options)

    monkeypatch.setattr(import_reading, "probe", slow)
    assert seconds_to_stop(workspace, source, after=0.6) < 2
    monkeypatch.setattr(import_reading, "probe", real)
    result = run(workspace, source)
    assert result["imported"] + result["already"] == 60
    assert column(workspace, "item") == [f"{i:03}.jpg" for i in range(60)]


def test_cancel_while_the_source_is_slow(workspace, source, monkeypatch):
    release = threading.Event()

    def stuck(self, path, **options):
        release.wait(20)
        yield from ()

    monkeypatch.setattr(ImageFolder, "records", stuck)
    assert seconds_to_stop(workspace, source, after=0.3) < 2
    release.set()


def test_stopping_anywhere_loses_and_doubles_nothing(workspace, source, monkeypatch):
    """Stop at a later moment each time, until it is through."""
    monkeypatch.setattr(import_job, "PART_ENTRIES", 5)
    patience = 0

    class Stopping(Control):
        def tick(self, *args, **options):
            self.left = getattr(self, "left", patience) - 1
            if self.left < 0:
                raise Interrupted("stop")
            super().tick(*args, **options)

    job = submit(workspace, source)
    stops, finished = [], False
    while not finished:
        try:
            import_job.run(job, workspace, Stopping(job, workspace, "w"))
            finished = True
        except Interrupted:
            datasets = workspace.catalog.datasets()
            stops.append(datasets[0].items if datasets else 0)
            patience += 4
    assert len(stops) > 3
    assert all(count % 5 == 0 for count in stops)
    assert column(workspace, "item") == [f"{i:03}.jpg" for i in range(60)]
    assert column(workspace, "row") == list(range(60))
    assert leftovers(workspace) == []


SCRIPT = """
import sys
from store.workspace import Workspace
from workbench.worker import import_job
from workbench.worker.control import Control
import_job.PART_ENTRIES = 4
with Workspace.open(sys.argv[1]) as workspace:
    job = workspace.jobs.get(int(sys.argv[2]))
    print("ready", flush=True)
    import_job.run(job, workspace, Control(job, workspace, "w"))
    print("done", flush=True)
"""


@pytest.mark.faults
def test_killed_at_random_moments_it_ends_with_exact_counts(workspace, source):
    job = submit(workspace, source)
    command = [sys.executable, "-c", SCRIPT, str(workspace.root), str(job.id)]
    for delay in (0.05, 0.2):
        child = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    assert finished.stdout == b"ready\ndone\n"
    assert column(workspace, "item") == [f"{i:03}.jpg" for i in range(60)]
    assert column(workspace, "row") == list(range(60))
    assert workspace.catalog.dataset("d").skipped == 0
    assert [finding for finding in doctor.check(workspace) if not finding.harmless] == []


def test_reading_ahead_passes_everything_on_in_order():
    from workbench.importers.importer import Skipped

    entries = [Skipped(str(i), "x") for i in range(1000)]
    chunks = list(ahead(iter(entries), lambda: None))
    assert [entry for chunk in chunks for entry in chunk] == entries
    assert max(map(len, chunks)) == 256

    def broken():
        yield entries[0]
        raise ValueError("source")

    with pytest.raises(ValueError, match="source"):
        list(ahead(broken(), lambda: None))
