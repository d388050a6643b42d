"""The worker as a process of its own: started, watched, stopped, killed."""

import json
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from store.workspace import Workspace
from tests.worker.embed_world import fill, with_model
from workbench.errors import WorkerError
from workbench.settings import REPOSITORY
from workbench.worker import presence, supervisor
from workbench.worker.client import Client

PATIENCE = 120.0  # seconds, on a machine that does much else


def until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.05)
    return found


@pytest.fixture
def served(space):
    """A workspace whose workers are gone after the test."""
    yield space
    supervisor.stop(space, timeout=30)


def start(space, *options):
    command = [sys.executable, "-m", "workbench.worker", "--workspace", str(space.root), *options]
    return subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE)


def test_app_modules_import_no_torch():
    code = (
        "import sys, workbench.worker.client, workbench.worker.supervisor, "
        "workbench.worker.control, workbench.worker.loop; "
        "print([m for m in ('torch', 'open_clip', 'faiss') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_two_apps_start_one_worker(served):
    """From two processes' views at once: the lock belongs to the open file, not to a process."""
    second = Workspace.open(served.root)
    found = []

    def ready(workspace):
        found.append(supervisor.wait_ready(workspace, PATIENCE))

    threads = [threading.Thread(target=ready, args=(space,)) for space in (served, second) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({worker.id for worker in found}) == 1
    assert len(served.workers.alive()) == 1
    worker = found[0]
    assert supervisor.ensure(served).id == worker.id
    assert os.getsid(worker.pid) == worker.pid  # its own session: it outlives the app's terminal
    assert psutil.Process(worker.pid).ppid() == os.getpid()
    assert supervisor.stop(served, timeout=30) == 1
    assert not presence.process_lives(worker.pid, worker.started)
    assert served.workers.alive() == ()
    second.close()


def test_a_worker_that_cannot_start_is_reported_with_its_words(served, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerError, match="the worker did not start"):
        supervisor.wait_ready(served, timeout=1.0)


def test_sigterm_returns_the_job_and_another_worker_finishes_it(served, tiny, tmp_path):
    with_model(served, tiny)
    fill(served, tmp_path / "in", 300)
    params = {"dataset": "d", "model": "tiny", "sides": ["image", "caption"]}
    job = served.jobs.submit("embed", params, title="embed").id
    worker = supervisor.wait_ready(served, PATIENCE)
    client = Client(served)
    until(lambda: served.jobs.get(job).done > 10, "the first vectors")
    assert client.encode_text("tiny", ["a red apple"]).shape == (1, 16)  # beside the job
    supervisor.stop(served, timeout=60)
    seen = served.jobs.get(job)
    assert seen.state in ("queued", "done") and seen.worker == (
        "" if seen.state == "queued" else worker.id
    )
    supervisor.wait_ready(served, PATIENCE)
    until(lambda: served.jobs.get(job).state == "done", "the end of the job")
    for info in served.vectors.all():
        assert info.complete
    assert client.encode_text("tiny", ["another text"]).shape == (1, 16)  # of the new worker
    log = (served.root / f"logs/job-{job}.log").read_text()
    assert "Computing on cpu in fp32" in log
    status = until(lambda: [w for w in served.workers.alive() if w.models], "a loaded model")[0]
    assert (status.device, status.precision, status.models) == ("cpu", "fp32", ("tiny",))
    assert 0 < status.memory_used < status.memory_total and not status.gpu_present


def test_a_killed_worker_loses_its_job_at_once_to_the_next(served, tiny, tmp_path):
    served.jobs.submit("import", {"path": "/nowhere", "dataset": "x"}, title="import")
    held = served.jobs.claim("dead-worker")
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    from tests.worker.test_client import announce

    class Address:
        address, token = "grpc://127.0.0.1:1", "t"

    announce(served, Address)
    from dataclasses import replace

    (info,) = served.workers.alive()
    served.workers.remove(info.id)
    served.workers.register(replace(info, id="dead-worker", pid=gone.pid, job=held.id))
    assert presence.workers_here(served) == ()
    supervisor.wait_ready(served, PATIENCE)
    job = until(lambda: (j := served.jobs.get(held.id)).state == "failed" and j, "the retry", 60)
    assert job.attempts == 2 and "/nowhere" in job.error


def test_it_leaves_when_idle_and_no_app_lives(space):
    process = start(space, "--exit-when-idle", "0.5")
    assert process.wait(PATIENCE) == 0
    process.stderr.close()
    assert space.workers.alive() == ()


def test_it_stays_while_an_app_lives_and_leaves_with_the_workspace(space):
    note = presence.announce(space.root)
    process = start(space, "--exit-when-idle", "0.1")
    until(space.workers.alive, "the worker")
    time.sleep(1.5)
    assert process.poll() is None
    note.unlink()
    assert process.wait(PATIENCE) == 0
    process.stderr.close()


def test_a_workspace_that_cannot_be_opened_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    process = subprocess.run(
        [sys.executable, "-m", "workbench.worker", "--workspace", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2 and "is no workspace" in process.stderr


def test_a_job_of_an_unknown_kind_fails_and_the_worker_goes_on(served):
    first = served.jobs.submit("fly", {}, title="fly").id
    second = served.jobs.submit("import", {"path": "/no", "dataset": "x"}, title="import").id
    supervisor.wait_ready(served, PATIENCE)
    until(lambda: served.jobs.get(second).state == "failed", "both jobs")
    assert "expected one of import" in served.jobs.get(first).error


def test_notes_of_dead_apps_are_removed(space):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    own = presence.announce(space.root)
    dead = own.with_name(f"app-{gone.pid}")
    dead.write_text(json.dumps({"pid": gone.pid, "born": time.time()}))
    (own.parent / "app-garbage").write_text("{")
    assert presence.living_apps(space.root) == [os.getpid()]
    assert not dead.exists()
    own.unlink()


def test_a_reused_process_number_is_not_taken_for_the_old_process():
    born = psutil.Process().create_time()
    assert presence.process_lives(os.getpid(), born)
    assert not presence.process_lives(os.getpid(), born - 3600)
    zombie = subprocess.Popen([sys.executable, "-c", "pass"])
    until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE, "its end")
    assert not presence.process_lives(zombie.pid, time.time())
    zombie.wait()
