import threading

import pytest

from workbench.errors import Cancelled, WorkerError
from workbench.worker.control import Control, Interrupted, JobLost, Rate


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def job(space):
    space.jobs.submit("embed", {}, title="a job")
    return space.jobs.claim("w")


def test_progress_rate_message_and_device_reach_the_store(space, job):
    clock = Clock()
    control = Control(job, space, "w", clock=clock)
    control.tick(0, 1000)
    clock.now += 1
    control.tick(50, message="so far, so good", device="cpu")
    clock.now += 1
    control.tick(100)
    seen = space.jobs.get(job.id)
    assert (seen.done, seen.total, seen.device) == (100, 1000, "cpu")
    assert seen.message == "so far, so good"
    assert seen.rate == pytest.approx(50)
    assert seen.remaining_seconds == pytest.approx(18)


def test_ticks_between_two_beats_do_not_write(space, job):
    clock = Clock()
    control = Control(job, space, "w", clock=clock)
    control.tick(1)
    version = space.jobs.version()
    for done in range(2, 100):
        clock.now += 0.001
        control.tick(done)
    assert space.jobs.version() == version


def test_a_cancel_is_seen_at_the_next_beat(space, job):
    clock = Clock()
    control = Control(job, space, "w", clock=clock)
    control.tick(1)
    space.jobs.cancel(job.id)
    control.tick(2)
    clock.now += 0.6
    with pytest.raises(Cancelled):
        control.tick(3)
    assert control.stopping
    with pytest.raises(Cancelled):
        control.check()


def test_the_heartbeat_thread_brings_the_cancel_too(space, job):
    control = Control(job, space, "w", clock=Clock())
    control.tick(1)
    space.jobs.cancel(job.id)
    beating = threading.Thread(target=control.beat)
    beating.start()
    beating.join()
    with pytest.raises(Cancelled):
        control.check()


def test_a_job_that_was_taken_away_must_end(space, job):
    control = Control(job, space, "w")
    assert space.jobs.requeue_lost(timeout_s=-1) == [job.id]
    with pytest.raises(JobLost):
        control.tick(1)


def test_a_worker_that_stops_interrupts(space, job):
    stop = threading.Event()
    control = Control(job, space, "w", stop=stop)
    control.tick(1)
    stop.set()
    assert control.stopping
    with pytest.raises(Interrupted):
        control.tick(2)


def test_a_job_without_worker_has_no_models(space, job):
    with pytest.raises(WorkerError, match="expected a worker"):
        _ = Control(job, space, "w").models


def test_the_rate_looks_back_over_its_window_only():
    rate = Rate(window=10)
    assert rate.value(0) == 0
    rate.add(0, 0)
    assert rate.value(5) == 0
    for second in range(1, 21):
        rate.add(second, second * 10)
    for second in range(21, 41):
        rate.add(second, 200 + (second - 20) * 100)
    assert rate.value(40) == pytest.approx(100)
    assert rate.value(60) == pytest.approx(1000 / 30, rel=0.1)  # nothing came for 20 s


def test_a_rate_without_progress_stays_zero():
    rate = Rate()
    for second in range(5):
        rate.add(second, 7)
    assert rate.value(9) == 0
