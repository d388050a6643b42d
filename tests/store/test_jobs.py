"""Jobs one by one: submitting, claiming, reporting, ending, waiting for one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.jobs import MAX_LOSSES, Jobs, Lost
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return workspace.jobs


def submit(jobs: Jobs, kind: str = "embed", **more: object) -> int:
    return jobs.submit(kind, more.pop("params", {}), title=kind, **more).id  # type: ignore[arg-type]


def age(jobs: Jobs, job: int, seconds: float) -> None:
    """Let the job's last heartbeat lie some seconds back."""
    with jobs.database.write() as connection:
        connection.execute("update jobs set heartbeat=heartbeat-? where id=?", (seconds, job))


def test_a_job_goes_from_queued_to_done(jobs: Jobs) -> None:
    job = jobs.submit("embed", {"b": [1], "a": "ü"}, title="Embed", unit="images", total=5)
    assert (job.state, job.params, job.total) == ("queued", {"a": "ü", "b": [1]}, 5)
    assert Path(job.log).name == f"job-{job.id}.log"
    claimed = jobs.claim("w1")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.worker, claimed.attempts) == (
        job.id,
        "running",
        "w1",
        1,
    )
    assert jobs.claim("w2") is None
    assert jobs.beat(job.id, "w1", done=2, rate=1.5, device="cpu", message="m") is False
    running = jobs.get(job.id)
    assert (running.done, running.total, running.rate, running.device) == (2, 5, 1.5, "cpu")
    assert running.remaining_seconds == 2
    jobs.finish(job.id, "w1", {"found": 3})
    done = jobs.get(job.id)
    assert (done.state, done.result, done.rate, done.message) == ("done", {"found": 3}, 0, "m")
    assert done.created <= done.started <= done.finished  # type: ignore[operator]


def test_an_equal_job_on_its_way_is_returned_instead_of_a_second(jobs: Jobs) -> None:
    first = submit(jobs, params={"a": 1, "b": 2})
    assert submit(jobs, params={"b": 2, "a": 1}) == first
    assert submit(jobs, params={"a": 1}) != first
    assert submit(jobs, "index", params={"a": 1, "b": 2}) != first
    jobs.claim("w")
    assert submit(jobs, params={"a": 1, "b": 2}) == first
    jobs.cancel(first)  # it will stop soon: the new wish is another
    again = submit(jobs, params={"a": 1, "b": 2})
    assert again != first
    jobs.cancel(again)
    assert submit(jobs, params={"a": 1, "b": 2}) not in (first, again)


def test_parameters_are_json(jobs: Jobs) -> None:
    for params in ({"a": object()}, {"a": float("nan")}, {1: {2, 3}}):
        with pytest.raises(InputError, match="JSON"):
            submit(jobs, params=params)
    assert jobs.list() == ()


def test_higher_priority_first_then_older(jobs: Jobs) -> None:
    ids = [submit(jobs, params={"n": n}, priority=p) for n, p in enumerate((0, 5, 0, 5))]
    claimed = [jobs.claim("w") for _ in range(4)]
    assert [job.id for job in claimed if job] == [ids[1], ids[3], ids[0], ids[2]]


def test_a_job_waits_for_others(jobs: Jobs) -> None:
    first, second = submit(jobs, "import"), submit(jobs, "register")
    third = submit(jobs, "embed", after=(first, second), priority=9)
    fourth = submit(jobs, "index", after=(third,))
    order = []
    while (job := jobs.claim("w")) is not None:
        order.append(job.id)
        jobs.finish(job.id, "w")
    assert order == [first, second, third, fourth]
    assert submit(jobs, "later", after=(first,))
    assert jobs.claim("w") is not None
    with pytest.raises(UnknownName, match="job '999'"):
        submit(jobs, "x", after=(999,))


@pytest.mark.parametrize("end", ["fail", "cancel", "refuse"])
def test_what_waits_for_a_job_that_ends_badly_is_refused_and_comes_back_with_it(
    jobs: Jobs, end: str
) -> None:
    first = submit(jobs, "import")
    second = submit(jobs, "embed", after=(first,))
    third = submit(jobs, "index", after=(second,))
    if end == "fail":
        jobs.claim("w")
        jobs.fail(first, "w", "broken")
    elif end == "cancel":
        jobs.cancel(first)
    else:
        jobs.refuse(first, "no such file")
    assert [jobs.get(j).state for j in (second, third)] == ["refused", "refused"]
    assert f"waits for job {first} (import)" in jobs.get(second).error
    assert submit(jobs, "late", after=(third,)) and jobs.list()[0].state == "refused"
    jobs.retry(first)
    assert {job.state for job in jobs.list()} == {"queued"}
    assert jobs.get(second).error == ""


def test_retrying_one_that_still_waits_for_a_failed_job_refuses_it_again(jobs: Jobs) -> None:
    first = submit(jobs, "import")
    second = submit(jobs, "embed", after=(first,))
    jobs.cancel(first)
    assert jobs.retry(second).state == "refused"


def test_cancelling_queued_running_and_ended_jobs(jobs: Jobs) -> None:
    queued = submit(jobs, "a")
    assert jobs.cancel(queued).state == "cancelled"
    running = submit(jobs, "b")
    jobs.claim("w")
    assert jobs.beat(running, "w") is False
    asked = jobs.cancel(running)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    assert jobs.beat(running, "w") is True
    jobs.mark_cancelled(running, "w")
    ended = jobs.cancel(running)
    assert (ended.state, ended.cancel_requested) == ("cancelled", False)


def test_a_retry_keeps_the_progress(jobs: Jobs) -> None:
    job = submit(jobs, total=10)
    jobs.claim("w")
    jobs.beat(job, "w", done=7)
    jobs.fail(job, "w", "disk full")
    assert jobs.get(job).error == "disk full"
    again = jobs.retry(job)
    assert (again.state, again.done, again.error, again.finished) == ("queued", 7, "", None)
    claimed = jobs.claim("w")
    assert claimed is not None
    assert (claimed.done, claimed.attempts) == (7, 2)
    jobs.finish(job, "w")
    assert jobs.retry(job).state == "done"


def test_only_the_worker_that_holds_a_job_may_report_on_it(jobs: Jobs) -> None:
    job = submit(jobs)
    jobs.claim("w1")
    for report in (
        lambda: jobs.beat(job, "w2"),
        lambda: jobs.finish(job, "w2"),
        lambda: jobs.fail(job, "w2", "x"),
        lambda: jobs.mark_cancelled(job, "w2"),
        lambda: jobs.release(job, "w2"),
    ):
        with pytest.raises(Lost, match="not held by worker 'w2'"):
            report()
    jobs.finish(job, "w1")
    with pytest.raises(Lost):
        jobs.beat(job, "w1")


def test_a_worker_that_stops_gives_its_job_back(jobs: Jobs) -> None:
    job = submit(jobs)
    jobs.claim("w1")
    jobs.release(job, "w1")
    assert (jobs.get(job).state, jobs.get(job).worker) == ("queued", "")
    jobs.claim("w2")
    jobs.cancel(job)
    jobs.release(job, "w2")
    assert jobs.get(job).state == "cancelled"


def test_a_job_without_heartbeat_returns_to_the_queue(jobs: Jobs) -> None:
    job = submit(jobs)
    jobs.claim("w1")
    age(jobs, job, 14)
    assert jobs.requeue_lost() == []
    age(jobs, job, 2)
    assert jobs.requeue_lost() == [job]
    assert jobs.claim("w2") is not None
    with pytest.raises(Lost):
        jobs.beat(job, "w1", done=5)
    assert jobs.get(job).done == 0


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(jobs: Jobs) -> None:
    job = submit(jobs)
    jobs.claim("w1")
    jobs.cancel(job)
    age(jobs, job, 60)
    assert jobs.requeue_lost() == [job]
    assert jobs.get(job).state == "cancelled"


def test_a_job_that_kills_its_workers_does_not_do_so_for_ever(jobs: Jobs) -> None:
    job = submit(jobs)
    waiting = submit(jobs, "index", after=(job,))
    for number in range(MAX_LOSSES + 3):
        jobs.claim("w")
        if number == 2:  # progress counts anew
            jobs.beat(job, "w", done=1)
        age(jobs, job, 60)
        assert jobs.requeue_lost() == [job]
        expected = "failed" if number == MAX_LOSSES + 1 else "queued"
        assert jobs.get(job).state == expected
        if expected == "failed":
            break
    assert "died on this job without progress" in jobs.get(job).error
    assert jobs.get(waiting).state == "refused"
    assert jobs.retry(job).state == "queued"


def test_lists_are_newest_first_by_state(jobs: Jobs) -> None:
    ids = [submit(jobs, params={"n": n}) for n in range(5)]
    jobs.claim("w")
    assert [job.id for job in jobs.list()] == ids[::-1]
    assert [job.id for job in jobs.list(["running"])] == ids[:1]
    assert [job.id for job in jobs.list(["queued", "done"], limit=2)] == [ids[4], ids[3]]
    assert jobs.list([]) == ()


def test_the_version_grows_with_every_change_of_any_process(workspace: Workspace) -> None:
    seen = [workspace.jobs.version()]
    with Workspace.open(workspace.root) as other:
        job = submit(other.jobs)
        seen.append(workspace.jobs.version())
        other.jobs.claim("w")
        seen.append(workspace.jobs.version())
        other.jobs.beat(job, "w", done=1)
        seen.append(workspace.jobs.version())
    assert seen == sorted(set(seen))
    assert workspace.jobs.version() == seen[-1]


def test_unknown_jobs(jobs: Jobs) -> None:
    for question in (jobs.get, jobs.cancel, jobs.retry, lambda job: jobs.refuse(job, "x")):
        with pytest.raises(UnknownName, match="unknown job '7'"):
            question(7)
