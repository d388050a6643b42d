import json

import numpy as np
import pytest
import torch

from sample_data.train import architecture, loop
from sample_data.train.batches import Pairs
from workbench.errors import InputError
from workbench.gpu.limoe.training import MAX_LOGIT_SCALE

COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 70, 220), (230, 220, 60)], dtype=np.uint8)


def tiny_model(kind: str) -> torch.nn.Module:
    config = architecture.model_config(kind, vocab_size=12)
    config["vision_cfg"] |= {"width": 64, "layers": 1, "patch_size": 16}
    config["text_cfg"] |= {"width": 32, "heads": 1, "layers": 1}
    return architecture.build(config | {"embed_dim": 16}, seed=0)


def coloured_pairs(rows: int = 64) -> Pairs:
    which = np.arange(rows) % 4
    images = np.broadcast_to(COLOURS[which][:, None, None], (rows, 72, 72, 3))
    tokens = torch.zeros(rows, architecture.CONTEXT_LENGTH, dtype=torch.int64)
    tokens[:, 0], tokens[:, 1], tokens[:, 2] = 10, torch.from_numpy(which) + 1, 11
    return Pairs(images, tokens)


def losses(folder) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / loop.LOG).read_text().splitlines()]
    assert len({line["step"] for line in lines}) == len(lines)
    return {line["step"]: line["loss"] for line in lines}


def settings(kind: str = "clip", **changes) -> loop.Settings:
    return loop.Settings(kind, **{"batch": 8, "warmup": 3, "steps": 12} | changes)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_few_steps_lower_the_loss(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    model = tiny_model(kind)
    loop.train(model, coloured_pairs(), settings(kind, steps=60), tmp_path)
    curve = losses(tmp_path)
    assert np.mean([curve[s] for s in range(51, 61)]) < 0.8 * curve[1]
    assert float(model.logit_scale.detach()) <= MAX_LOGIT_SCALE + 1e-6


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_resumed_training_equals_an_unbroken_one(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    whole, broken = tiny_model(kind), tiny_model(kind)
    loop.train(whole, coloured_pairs(), settings(kind), tmp_path / "whole")
    stop = {"should_stop": lambda step: step in {5, 9}}
    halfway = loop.train(broken, coloured_pairs(), settings(kind), tmp_path / "broken", **stop)
    assert halfway["step"] == 5
    for _ in range(2):  # a process that knows nothing of the first one
        broken = tiny_model(kind)
        loop.train(broken, coloured_pairs(), settings(kind), tmp_path / "broken", **stop)
    assert losses(tmp_path / "broken") == losses(tmp_path / "whole")
    pairs = zip(whole.state_dict().values(), broken.state_dict().values(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_steps_after_the_checkpoint_leave_no_double_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    stop = {"should_stop": lambda step: step == 4}
    loop.train(tiny_model("clip"), coloured_pairs(), settings(), tmp_path, **stop)
    with (tmp_path / loop.LOG).open("a") as log:
        log.write('{"step": 5, "loss": 99.0}\n{"step": 6, "lo')  # killed while it wrote
    loop.train(tiny_model("clip"), coloured_pairs(), settings(), tmp_path)
    assert losses(tmp_path)[5] != 99.0
    assert max(losses(tmp_path)) == 12


def test_other_settings_are_refused_and_named(tmp_path):
    stop = {"should_stop": lambda step: step == 1}
    loop.train(tiny_model("clip"), coloured_pairs(), settings(), tmp_path, **stop)
    with pytest.raises(InputError, match=r"batch=8.*batch=4"):
        loop.train(tiny_model("clip"), coloured_pairs(), settings(batch=4), tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / loop.CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"checkpoint\.safetensors cannot be used"):
        loop.train(tiny_model("clip"), coloured_pairs(), settings(), tmp_path)


def test_the_rate_rises_then_falls_to_a_hundredth():
    plan = loop.Settings("clip", steps=1000, warmup=10)
    rates = [plan.factor(step, 0.0) for step in range(1001)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0, abs=0.001)
    assert rates[500] == pytest.approx(0.505)
    assert rates[1000] == pytest.approx(0.01)


def test_minutes_follow_the_clock():
    plan = loop.Settings("clip", minutes=2.0)
    assert plan.done(10**6, 30.0) == pytest.approx(0.25)
    assert plan.done(0, 500.0) == 1.0
    assert loop.Settings("clip").done(0, 0.0) == 1.0
