"""Recording a group: no padding, words by name, dropped as in training, nothing changed."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.gpu.tiny import picture
from tests.worker.routing_world import CONFIG, bundle
from workbench.errors import ModelError
from workbench.gpu import registry
from workbench.gpu.device import Device
from workbench.gpu.gate import Gate
from workbench.gpu.limoe.routing import capacity
from workbench.gpu.record_routing import Input, Recorder, Vocabulary, in_order

TEXTS = ("a red apple", "apple", "red red red red apple and more than fits in here", "")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = bundle(tmp_path_factory.mktemp("models") / "experts")
    device = Device("cpu", "cpu")
    info = registry.describe("", str(folder), name="experts", device=device)
    return registry.load(info, device, folder, Gate())[0]


def inputs(encoder, *, images=3, texts=TEXTS):
    return [
        Input(
            10 * number,
            encoder.preprocess.decode(picture(number)) if number < images else None,
            texts[number] if number < len(texts) else None,
        )
        for number in range(max(images, len(texts)))
    ]


def test_every_place_and_no_padding(encoder):
    tokens = Recorder(encoder, None).record(inputs(encoder))
    assert set(tokens.layer.tolist()) == set(CONFIG.moe_layers)
    first = tokens.take(tokens.layer == CONFIG.moe_layers[0])
    image, text = (first.take(first.modality == m) for m in (0, 1))
    assert np.unique(image.row, return_counts=True)[1].tolist() == [CONFIG.patches] * 3
    lengths = dict(zip(*(a.tolist() for a in np.unique(text.row, return_counts=True)), strict=True))
    full = CONFIG.context_length - 1
    assert lengths == {0: 4, 10: 2, 20: full, 30: 1}
    assert (image.word == -1).all() and (text.word >= 0).all()


def test_words_by_name(encoder):
    tokens = Recorder(encoder, None).record(inputs(encoder, images=0, texts=("a red apple",)))
    first = tokens.take(tokens.layer == CONFIG.moe_layers[0])
    assert [first.words[word] for word in first.word] == ["a", "red", "apple", "⟨end⟩"]


def test_pieces_of_a_word_are_marked(encoder):
    numbers = encoder.tokenizer(["applered plé"])[0, 1:].numpy()
    words = Vocabulary(encoder.tokenizer).words(numbers[numbers > 0])
    assert "".join(words).replace("·", "").startswith("applered" + "pl")
    assert words[-1] == "⟨end⟩" and any(word.endswith("·") for word in words)


def test_a_hugging_face_tokenizer_names_words_too():
    inner = SimpleNamespace(
        decode=lambda ids: "" if ids == [0] else f"w{ids[0]}",
        convert_ids_to_tokens=lambda i: "<pad>",
    )
    words = Vocabulary(SimpleNamespace(tokenizer=inner)).words(np.array([0, 5]))
    assert words == ("<pad>", "w5")


def test_padding_changes_nothing(encoder):
    """A short text beside a long one has more padding than alone."""
    recorder = Recorder(encoder, None)
    alone = recorder.record([Input(1, None, "a red apple")])
    beside = recorder.record([Input(1, None, "a red apple"), Input(2, None, TEXTS[2])])
    beside = beside.take(beside.row == 1)
    assert [alone.words[w] for w in alone.word] == [beside.words[w] for w in beside.word]
    for name in ("position", "layer", "experts", "kept"):
        assert np.array_equal(getattr(alone, name), getattr(beside, name))
    for name in ("gates", "probs"):
        np.testing.assert_allclose(getattr(alone, name), getattr(beside, name), atol=2e-3)


def test_both_modalities_compete_for_room(encoder):
    tokens = Recorder(encoder, 0.5).record(inputs(encoder))
    for layer in CONFIG.moe_layers:
        here = tokens.take(tokens.layer == layer)
        room = capacity(len(here), CONFIG.top_k, 0.5, CONFIG.experts)
        served = np.bincount(here.experts[here.kept], minlength=CONFIG.experts)
        assert served.max() <= room and not here.kept.all()


def test_the_distribution_is_whole_and_gates_are_of_it(encoder):
    tokens = Recorder(encoder, None).record(inputs(encoder))
    np.testing.assert_allclose(tokens.probs.astype(float).sum(axis=1), 1, atol=4e-3)
    chosen = np.take_along_axis(tokens.probs, tokens.experts.astype(int), axis=1)
    assert np.array_equal(chosen, tokens.gates)
    assert (tokens.gates[:, 0] >= tokens.gates[:, 1]).all() and tokens.kept.all()


def test_recording_changes_no_vector(encoder):
    given = inputs(encoder)
    before = encoder.encode_texts(TEXTS)
    hooks = sum(len(m._forward_hooks) for m in encoder.model.modules())
    Recorder(encoder, 0.5).record(given)
    assert np.array_equal(encoder.encode_texts(TEXTS), before)
    assert sum(len(m._forward_hooks) for m in encoder.model.modules()) == hooks


def test_nothing_to_record(encoder):
    assert Recorder(encoder, None).record([Input(0, None, None)]) is None


def test_a_batch_too_large_says_so(encoder, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(type(encoder.model), "through", full)
    with pytest.raises(ModelError, match="smaller batch"):
        Recorder(encoder, None).record(inputs(encoder))


def test_a_model_without_routers_is_refused(encoder):
    other = SimpleNamespace(model=torch.nn.Linear(2, 2), info=encoder.info)
    with pytest.raises(ModelError, match="no routers"):
        Recorder(other, None)


def test_results_come_in_order_and_an_error_ends_all():
    def slow(number):
        time.sleep(0.01 * (number % 3))
        if number == 20:
            raise ValueError("twenty")
        return number * number

    assert list(in_order(range(20), slow, lanes=3)) == [n * n for n in range(20)]
    seen = []
    with pytest.raises(ValueError, match="twenty"):
        seen.extend(in_order(range(40), slow, lanes=3))
