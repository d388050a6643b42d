"""Any sequence of requests keeps the job table to its state diagram."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from store.jobs import Lost
from store.workspace import Workspace

WORKERS = st.sampled_from(["w1", "w2"])
ENDED = ("done", "failed", "cancelled", "refused")


class JobTable(RuleBasedStateMachine):
    """A plain model beside the table: state, holder, cancel flag and what each job waits for."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.workspace = Workspace.open(Path(self.folder.name) / "ws")
        self.table = self.workspace.jobs
        self.state: dict[int, str] = {}
        self.holder: dict[int, str] = {}
        self.asked: set[int] = set()
        self.after: dict[int, tuple[int, ...]] = {}
        self.priority: dict[int, int] = {}

    def teardown(self) -> None:
        self.workspace.close()
        self.folder.cleanup()

    def settle(self) -> None:
        """Refuse what waits for a bad end."""
        changed = True
        while changed:
            changed = False
            for job, after in self.after.items():
                bad = any(self.state[a] in ("failed", "cancelled", "refused") for a in after)
                if self.state[job] == "queued" and bad:
                    self.state[job], changed = "refused", True

    def report(self, job: int, worker: str, end: str) -> None:
        held = self.state[job] == "running" and self.holder[job] == worker
        call = {
            "done": lambda: self.table.finish(job, worker),
            "failed": lambda: self.table.fail(job, worker, "x"),
            "cancelled": lambda: self.table.mark_cancelled(job, worker),
            "queued": lambda: self.table.release(job, worker),
        }[end]
        if not held:
            with pytest.raises(Lost):
                call()
            return
        call()
        self.state[job] = "cancelled" if end == "queued" and job in self.asked else end
        if end != "queued":
            self.asked.discard(job)
        self.settle()

    @rule(target=jobs, priority=st.integers(0, 2), data=st.data())
    def submit(self, priority: int, data: st.DataObject) -> int:
        known = sorted(self.state)
        after = (
            data.draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
        )
        params = {"n": len(self.state)}
        job = self.table.submit("k", params, title="t", priority=priority, after=after).id
        assert job not in self.state
        self.state[job], self.after[job], self.priority[job] = "queued", tuple(after), priority
        self.settle()
        return job

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        free = [
            job
            for job, state in self.state.items()
            if state == "queued" and all(self.state[a] == "done" for a in self.after[job])
        ]
        expected = min(free, key=lambda job: (-self.priority[job], job), default=None)
        claimed = self.table.claim(worker)
        assert (claimed.id if claimed else None) == expected
        if expected is not None:
            self.state[expected], self.holder[expected] = "running", worker

    @rule(job=jobs, worker=WORKERS)
    def beat(self, job: int, worker: str) -> None:
        if self.state[job] == "running" and self.holder[job] == worker:
            assert self.table.beat(job, worker, done=1) is (job in self.asked)
        else:
            with pytest.raises(Lost):
                self.table.beat(job, worker)

    @rule(job=jobs, worker=WORKERS, end=st.sampled_from(["done", "failed", "cancelled", "queued"]))
    def end(self, job: int, worker: str, end: str) -> None:
        self.report(job, worker, end)

    @rule(job=jobs)
    def cancel(self, job: int) -> None:
        self.table.cancel(job)
        if self.state[job] == "queued":
            self.state[job] = "cancelled"
        elif self.state[job] == "running":
            self.asked.add(job)
        self.settle()

    @rule(job=jobs)
    def refuse(self, job: int) -> None:
        self.table.refuse(job, "x")
        if self.state[job] in ("queued", "running"):
            self.state[job] = "refused"
        self.settle()

    @rule(job=jobs)
    def retry(self, job: int) -> None:
        self.table.retry(job)
        back = [job]
        for one in back:
            if self.state[one] in ("failed", "cancelled", "refused"):
                self.state[one] = "queued"
                self.asked.discard(one)
            waiting = [j for j, a in self.after.items() if one in a and self.state[j] == "refused"]
            back += [j for j in waiting if j not in back]
        self.settle()

    @rule(job=jobs)
    def lose(self, job: int) -> None:
        with self.workspace.database.write() as connection:
            connection.execute("update jobs set heartbeat=? where id=?", (time.time() - 60, job))
        lost = [job] if self.state[job] == "running" else []
        assert self.table.requeue_lost() == lost
        if lost:
            self.state[job] = "cancelled" if job in self.asked else "queued"
            self.settle()

    @invariant()
    def table_is_as_the_model_says(self) -> None:
        found = {job.id: job for job in self.table.list(limit=1000)}
        assert {job: info.state for job, info in found.items()} == self.state
        for job, info in found.items():
            assert (info.finished is not None) == (info.state in ENDED), info
            if info.state == "running":
                assert info.worker == self.holder[job]
                assert info.cancel_requested == (job in self.asked)


JobTable.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestJobTable = JobTable.TestCase
