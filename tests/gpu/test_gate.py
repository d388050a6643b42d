import threading
import time

import pytest
import torch
from torch import nn

from workbench.errors import Cancelled
from workbench.gpu.gate import Gate, install
from workbench.gpu.team import Team


class Steps(nn.Module):
    """Tells each time that it computes, and waits for permission."""

    def __init__(self, log, permits):
        super().__init__()
        self.log, self.permits = log, permits
        self.begun = threading.Event()

    def forward(self, x):
        self.begun.set()
        assert self.permits.acquire(timeout=5)
        self.log.append("step")
        return x


def stepping(gate, steps=3):
    log, permits = [], threading.Semaphore(0)
    model = nn.Sequential(*(Steps(log, permits) for _ in range(steps)))
    assert install(model, gate) == steps
    return model, log, permits


def in_background(gate, model, check=None):
    def run():
        with gate.background(check):
            model(torch.zeros(1))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def eventually(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.001)
    return condition()


def test_a_query_stops_a_job_between_two_blocks(monkeypatch):
    monkeypatch.setattr("workbench.gpu.gate._PATIENCE", 5.0)  # however slow the machine
    gate = Gate()
    model, log, permits = stepping(gate)
    job = in_background(gate, model)
    assert model[0].begun.wait(5)
    inside, leave = threading.Event(), threading.Event()

    def query():
        with gate.interactive():
            log.append("query")
            inside.set()
            assert leave.wait(5)
            log.append("answered")

    asking = threading.Thread(target=query)
    asking.start()
    assert eventually(lambda: gate._queries == 1)
    permits.release()  # the block under way ends; the next one finds the gate closed
    assert inside.wait(5)
    permits.release(2)
    leave.set()
    asking.join(5)
    job.join(5)
    assert log == ["step", "query", "answered", "step", "step"]


def test_a_query_does_not_wait_for_ever_for_a_long_block():
    gate = Gate()
    model, _, permits = stepping(gate, 1)
    job = in_background(gate, model)
    with gate.interactive():  # after a quarter of a second, beside the block
        pass
    permits.release()
    job.join(5)
    assert not job.is_alive()


def test_without_a_job_a_query_does_not_wait():
    with Gate().interactive():
        pass


def test_the_same_model_answers_a_query_without_pausing():
    gate = Gate()
    model, log, permits = stepping(gate)
    permits.release(3)
    with gate.interactive():
        model(torch.zeros(1))  # this thread is no job: its blocks do not look at the gate
    assert log == ["step"] * 3


def test_a_job_stops_within_a_pass():
    gate = Gate()
    model, log, permits = stepping(gate)
    permits.release(3)

    def check():
        if len(log) == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled), gate.background(check):
        model(torch.zeros(1))
    assert log == ["step", "step"]
    with gate.interactive():  # the job is counted out
        pass


def test_blocks_of_real_towers_are_found(encoder):
    gate = Gate()
    blocks = install(encoder.model, gate)
    assert blocks >= 4  # two residual blocks in each tower, and their parts


def test_a_team_prefers_what_was_faster_and_looks_again():
    team = Team(most=2)
    times = {1: 0.01, 2: 0.10}
    for _ in range(15):
        size = team.size()
        team.learn(size, times[size])
    assert team.size() == 1
    times = {1: 0.10, 2: 0.001}
    chosen = []
    for _ in range(80):
        chosen.append(team.size())
        team.learn(chosen[-1], times[chosen[-1]])
    assert chosen[-1] == 2


def test_a_team_uses_four_cores_at_most():
    assert Team(most=1).sizes == [1]
    assert Team(most=64).sizes == [1, 4]
