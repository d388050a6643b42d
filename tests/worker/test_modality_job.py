"""The job end to end: both kinds of towers, resuming after a stop, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from store.workspace import Workspace
from tests.gpu.tiny import PREPROCESS
from tests.worker.embed_world import fill, with_model
from workbench.errors import Cancelled, InputError
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.preprocess import Preprocess
from workbench.worker import modality_capture, modality_job
from workbench.worker.control import Control
from workbench.worker.modality_question import picked, question
from workbench.worker.models import Models

IMAGES = 30


@pytest.fixture
def models(workspace: Workspace, tiny: Path, tmp_path: Path) -> Models:
    fill(workspace, tmp_path / "pictures", IMAGES, bare=(3,))
    return with_model(workspace, tiny)


def shared_tower(models: Models) -> None:
    """Put a LIMoE with random weights in the place of the tiny model."""
    encoder = models.get("tiny")
    config = LimoeConfig(
        image_size=32, patch_size=8, context_length=12, vocab_size=520, width=32, layers=2,
        heads=2, hidden=16, embed_dim=16, moe_layers=(1,), experts=3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Limoe(config).eval().requires_grad_(False)
    encoder.model = model
    encoder.info = replace(encoder.info, dim=16)
    encoder.preprocess = Preprocess({"size": [32, 32], **PREPROCESS})


def perform(workspace: Workspace, models: Models, **asked: Any) -> Any:
    """Ask, run the job, return the run."""
    params = question(workspace, "d", "tiny", **{"pairs": 29, **asked})
    workspace.jobs.submit("measure-modality", params, title="gap")
    job = workspace.jobs.claim("w")
    assert job is not None
    result = modality_job.run(job, workspace, Control(job, workspace, "w", models=models))
    workspace.jobs.finish(job.id, "w", result)
    return workspace.runs.get(result["run"])


def test_two_towers_are_compared_in_their_joint_space_only(
    workspace: Workspace, models: Models
) -> None:
    run = perform(workspace, models)
    result = run.result
    assert not result["shared"] and result["n"] == IMAGES - 1
    assert [each["layer"] for each in result["layers"]] == [-1]
    assert [each["layer"] for each in result["units"]] == [-1]
    assert np.array(result["cka"]["values"]).shape == (4, 4)
    assert result["cka"]["values"][3][3] <= 1
    rows = workspace.runs.table(run, "pairs")["row"].to_pylist()
    assert rows == [row for row in range(IMAGES) if row != 3]
    assert workspace.runs.list(modality_capture.SHARD) == ()


def test_the_figures_are_those_of_the_vectors(workspace: Workspace, models: Models) -> None:
    run = perform(workspace, models)
    encoder = models.get("tiny")
    table = workspace.runs.table(run, "pairs")
    texts = workspace.tables.captions("d", table["caption_row"].to_numpy())["text"].to_pylist()
    assert texts[0] == "picture 0 a" and texts[3] == "picture 4 a"
    words = encoder.encode_texts(texts)
    pictures = []
    for row in table["row"].to_pylist():
        uri = workspace.tables.take("d", [row], ["uri"])["uri"][0].as_py()
        pictures.append(encoder.preprocess.decode(Path(uri).read_bytes()))
    images = encoder.encode_images(np.stack(pictures))
    gap = np.linalg.norm(images.mean(axis=0) - words.mean(axis=0))
    assert run.result["gap"]["distance"] == pytest.approx(gap, abs=1e-4)
    still = run.result["sweep"]["amounts"].index(0.0)
    first = (images @ words.T).argmax(axis=1) == np.arange(len(words))
    assert run.result["sweep"]["image_to_text"][still][0] == pytest.approx(first.mean())


def test_layers_and_units_of_a_shared_tower(workspace: Workspace, models: Models) -> None:
    shared_tower(models)
    run = perform(workspace, models)
    result = run.result
    assert result["shared"]
    assert [each["layer"] for each in result["layers"]] == [0, 1, 2, -1]
    assert [(u["layer"], u["experts"], u["units"]) for u in result["units"]] == [
        (1, 1, 16),
        (2, 3, 48),
        (-1, 1, 16),
    ]
    units = workspace.runs.table(run, "units").to_pylist()
    assert [u["expert"] for u in units if u["layer"] == 2] == [0] * 16 + [1] * 16 + [2] * 16
    cuts = workspace.runs.table(run, "projections").to_pylist()
    assert len(cuts) == 4 * 2 * 29
    entered = [c for c in cuts if c["layer"] == 0]
    assert result["layers"][0]["auroc"] > 0.9  # patches and words are embedded apart
    assert np.mean([c["value"] for c in entered if c["modality"] == 1]) > np.mean(
        [c["value"] for c in entered if c["modality"] == 0]
    )


def test_a_stopped_job_goes_on_after_its_last_shard(
    workspace: Workspace, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = perform(workspace, models)
    figures = {name: value for name, value in whole.result.items() if name != "seconds"}
    workspace.runs.drop(whole.key)
    monkeypatch.setattr(modality_capture, "SHARD_PAIRS", 10)
    params = question(workspace, "d", "tiny", pairs=29)
    workspace.jobs.submit("measure-modality", params, title="gap")
    job = workspace.jobs.claim("w")
    control = Control(job, workspace, "w", models=models)
    made = modality_capture._Capture._made
    asked: list[int] = []

    def stopping(self: Any, number: int, *rest: Any) -> Any:
        asked.append(number)
        if asked == [0, 1]:
            raise Cancelled("stop")
        return made(self, number, *rest)

    monkeypatch.setattr(modality_capture._Capture, "_made", stopping)
    with pytest.raises(Cancelled):
        modality_job.run(job, workspace, control)
    assert len(workspace.runs.list(modality_capture.SHARD)) == 1
    again = workspace.runs.get(modality_job.run(job, workspace, control)["run"])
    assert asked == [0, 1, 1, 2]
    for name, value in figures.items():
        if name not in ("cka", "linked", "gap", "layers", "units", "sweep"):
            assert again.result[name] == value
    assert again.result["gap"]["distance"] == pytest.approx(figures["gap"]["distance"], rel=1e-5)
    assert workspace.runs.list(modality_capture.SHARD) == ()


def test_a_picture_that_has_gone_leaves_its_pair_out(
    workspace: Workspace, models: Models, tmp_path: Path
) -> None:
    (tmp_path / "pictures" / "0007.png").unlink()
    run = perform(workspace, models)
    assert run.result["n"] == IMAGES - 2
    assert "0007.png" in run.result["notes"][-1]
    rows = workspace.runs.table(run, "pairs")["row"].to_pylist()
    assert 7 not in rows
    texts = workspace.runs.table(run, "pairs")["caption_row"].to_pylist()
    assert texts == [2 * row for row in rows]  # pairs stay together


def test_the_draw_is_the_seeds(workspace: Workspace, models: Models) -> None:
    one, two = (picked(workspace, "d", 20, seed)[0] for seed in (0, 1))
    assert one.tolist() == picked(workspace, "d", 20, 0)[0].tolist() != two.tolist()
    assert 3 not in {*one.tolist(), *two.tolist()} and sorted(one) == one.tolist()


@pytest.mark.parametrize(("asked", "words"), [({"pairs": 5}, "pairs"), ({"pairs": 9999}, "pairs")])
def test_what_is_refused(
    workspace: Workspace, models: Models, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        question(workspace, "d", "tiny", **asked)
