"""A new workspace asks for the sample world once, in the order that makes it useful soonest."""

from __future__ import annotations

import pytest

import sample_data
from workbench.api import Workbench, open_workspace
from workbench.api.sample import SAMPLE_EXPERTS


@pytest.fixture
def empty(tmp_path, monkeypatch):
    for name in ("test", "scenes"):
        (tmp_path / "sample" / name).mkdir(parents=True)
        (tmp_path / "sample" / name / f"{name}-000000.tar").touch()
    for name in ("glyph-clip", "glyph-siglip"):
        (tmp_path / "sample" / "models" / name).mkdir(parents=True)
    monkeypatch.setattr(sample_data, "ROOT", tmp_path / "sample")
    started = []
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: started.append(1))
    with open_workspace(tmp_path / "space") as bench:
        bench.started = started
        yield bench


def order(bench):
    """Titles in the order in which a worker gets the jobs, each ending well."""
    found = []
    while (job := bench.workspace.jobs.claim("w")) is not None:
        found.append(job.title)
        bench.workspace.jobs.finish(job.id, "w")
    return found


def test_jobs_run_in_the_order_that_makes_search_possible_soonest(empty):
    jobs = empty.ensure_sample()
    assert empty.started
    titles = order(empty)
    assert len(titles) == len(jobs) == 2 + 2 + 4 * 3 + 1
    assert titles[-1] == "Evaluate glyph-clip on test"
    assert titles[:4] == [
        "Import the sample test images",
        "Import the sample scenes",
        "Register the model glyph-clip",
        "Embed test with glyph-clip",
    ]
    assert titles.index("Register the model glyph-siglip") > titles.index(
        "Index captions of scenes by glyph-clip"
    )


def test_asking_again_changes_nothing(empty):
    first = empty.ensure_sample()
    assert [job.id for job in empty.ensure_sample()] == [job.id for job in first]
    order(empty)
    assert empty.ensure_sample() == ()
    assert len(empty.jobs(limit=1000)) == len(first)


def test_a_kill_while_the_jobs_are_queued_loses_none(empty, monkeypatch):
    submit, count = empty.workspace.jobs.submit, [0]

    def killed(*args, **words):
        count[0] += 1
        if count[0] == 5:
            raise KeyboardInterrupt
        return submit(*args, **words)

    with monkeypatch.context() as patched:
        patched.setattr(empty.workspace.jobs, "submit", killed)
        with pytest.raises(KeyboardInterrupt):
            empty.ensure_sample()
    empty.workspace.catalog.ensure_dataset("test", importer="x", source="x", info={})
    assert len(empty.ensure_sample()) == 17
    assert len(empty.jobs(limit=1000)) == 17


def test_a_workspace_with_data_of_its_own_is_left_alone(empty):
    empty.workspace.catalog.ensure_dataset("mine", importer="x", source="x", info={})
    assert empty.ensure_sample() == ()
    assert empty.jobs() == ()


def test_a_deleted_sample_does_not_come_back(empty):
    empty.ensure_sample()
    order(empty)
    empty.workspace.catalog.ensure_dataset("test", importer="x", source="x", info={})
    empty.delete_dataset("test")
    assert empty.datasets() == ()
    assert empty.ensure_sample() == ()


@pytest.fixture
def with_experts(empty, tmp_path):
    for name in SAMPLE_EXPERTS[:2]:
        (tmp_path / "sample" / "models" / name).mkdir()
    return empty


EXPERTS = [
    "Register the model glyph-limoe-classic",
    "Record routing of glyph-limoe-classic on scenes",
    "Register the model glyph-limoe",
    "Record routing of glyph-limoe on scenes",
    "Embed test with glyph-limoe",
    "Index images of test by glyph-limoe",
    "Evaluate glyph-limoe on test",
    "Switch experts of glyph-limoe off",
    "Modality gap of glyph-limoe on scenes",
]


def test_mixtures_of_experts_are_recorded_after_everything_else(with_experts):
    with_experts.ensure_sample()
    assert order(with_experts)[-9:] == EXPERTS


def test_a_recording_waits_for_its_model(with_experts):
    with_experts.ensure_sample()
    found = []
    while (job := with_experts.workspace.jobs.claim("w")) is not None:
        found.append(job)
        if job.title != EXPERTS[2]:
            with_experts.workspace.jobs.finish(job.id, "w")
    titles = [job.title for job in found]
    assert EXPERTS[2] in titles and EXPERTS[3] not in titles and EXPERTS[1] in titles
    recording = found[titles.index(EXPERTS[1])]
    assert recording.params == {"ask": {"dataset": "scenes", "model": "glyph-limoe-classic"}}


def test_an_older_workspace_gets_the_mixtures_when_asked(with_experts):
    assert with_experts.sample_experts() == SAMPLE_EXPERTS[:2]
    with_experts.workspace.catalog.ensure_dataset("scenes", importer="x", source="x", info={})
    with_experts.queue_sample_experts()
    assert order(with_experts) == EXPERTS[:4]  # there are no test images to evaluate it on


def test_without_the_scenes_the_mixtures_are_only_registered(with_experts):
    with_experts.queue_sample_experts()
    assert order(with_experts) == [EXPERTS[0], EXPERTS[2]]


def test_preparing_names_what_a_search_waits_for(empty):
    empty.ensure_sample()
    titles = [job.title for job in empty.preparing("test", "glyph-clip")]
    assert titles == [
        "Import the sample test images",
        "Register the model glyph-clip",
        "Embed test with glyph-clip",
    ]
    assert empty.preparing("photos", "glyph-clip")[0].title == "Register the model glyph-clip"


def test_without_the_sample_files_the_workspace_stays_empty(empty, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_data, "ROOT", tmp_path / "nowhere")
    assert empty.ensure_sample() == ()
    assert empty.jobs() == ()
