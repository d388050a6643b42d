"""An import in a process of its own: the same rows, errors and stops as in the worker's process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import psutil
import pytest

from store import doctor
from tests.importers.making import picture, write_folder
from tests.worker.import_world import column, leftovers, run, skipped, submit
from workbench.errors import Cancelled, InputError
from workbench.settings import REPOSITORY
from workbench.worker import import_job, import_process
from workbench.worker.control import Control
from workbench.worker.loop import Worker

MANY = 6000  # enough for a second or more, so that one can step in between


@pytest.fixture
def source(tmp_path):
    files = {f"{i:03}.jpg": picture() for i in range(60)}
    return write_folder(tmp_path / "in", files | {"broken.jpg": b"\xff\xd8\xffno"})


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    data = picture()
    return write_folder(tmp_path_factory.mktemp("many"), {f"{i:05}.jpg": data for i in range(MANY)})


def child_of_this():
    """The child process that imports, once it has started."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for process in psutil.Process().children():
            if "workbench.worker.import_process" in process.cmdline():
                return process
        time.sleep(0.01)
    raise AssertionError("no child process")


def imported_by_child(workspace, path):
    job = submit(workspace, path)
    return job, import_process.run(job, workspace, Control(job, workspace, "w"))


def test_it_brings_what_an_import_in_the_worker_brings(workspace, source):
    job, result = imported_by_child(workspace, source)
    seen = workspace.jobs.get(job.id)
    assert (seen.done, seen.total, seen.state) == (61, 61, "running")
    assert "60 imported, 1 skipped" in seen.message
    again = run(workspace, source, "again")
    differ = {"seconds", "files_per_second", "dataset"}
    assert {k: v for k, v in result.items() if k not in differ} == {
        k: v for k, v in again.items() if k not in differ
    }
    for name in ("item", "row", "digest", "width"):
        assert column(workspace, name) == column(workspace, name, "again")
    assert skipped(workspace) == skipped(workspace, "again")


def test_errors_arrive_as_what_they_are(workspace, tmp_path):
    folder = write_folder(tmp_path / "in", {"a.jpg": b"no"})
    with pytest.raises(InputError, match="nothing could be imported") as caught:
        imported_by_child(workspace, folder)
    assert caught.value.expected == "at least one image"


def test_a_cancel_ends_the_child_within_two_seconds(workspace, many):
    job = submit(workspace, many)
    asked = []

    def cancel():
        child = child_of_this()
        while not workspace.jobs.get(job.id).done:
            time.sleep(0.05)
        workspace.jobs.cancel(job.id)
        asked.extend([time.monotonic(), child])

    person = threading.Thread(target=cancel)
    person.start()
    with pytest.raises(Cancelled):
        import_process.run(job, workspace, Control(job, workspace, "w"))
    ended = time.monotonic()
    person.join()
    assert ended - asked[0] < 2
    assert not asked[1].is_running()
    assert workspace.catalog.dataset("d").items % import_job.PART_ENTRIES == 0
    workspace.jobs.mark_cancelled(job.id, "w")


@pytest.mark.faults
def test_a_child_that_is_killed_loses_nothing(workspace, many):
    job = submit(workspace, many)

    def kill():
        child = child_of_this()
        while not workspace.jobs.get(job.id).done:
            time.sleep(0.05)
        child.kill()

    thief = threading.Thread(target=kill)
    thief.start()
    result = import_process.run(job, workspace, Control(job, workspace, "w"))
    thief.join()
    assert result["already"] + result["imported"] == result["items"] == MANY
    assert column(workspace, "item") == [f"{i:05}.jpg" for i in range(MANY)]
    assert column(workspace, "row") == list(range(MANY))
    assert [finding for finding in doctor.check(workspace) if not finding.harmless] == []
    assert len(leftovers(workspace)) <= 1  # the part that was being written


def test_the_child_leaves_with_the_worker(workspace, many):
    job = submit(workspace, many)
    command = [sys.executable, "-m", import_process.__name__, str(workspace.root), str(job.id)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline().startswith(b'{"done"')
        child.stdin.close()
        assert child.wait(5) == 1


def test_only_an_import_beside_the_loading_of_torch_gets_a_process(workspace, source):
    job = submit(workspace, source)
    worker = Worker(workspace)
    assert worker._runner(job) is import_process.run
    worker._models._prepared.set()
    assert worker._runner(job) is import_job.run
