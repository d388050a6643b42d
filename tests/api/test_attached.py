"""Routing of a model that runs elsewhere becomes a recording like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.worker import routing_world as world
from workbench.api import attached, open_workspace
from workbench.errors import InputError, UnknownName
from workbench.experts.layer_records import Flags, LayerRecord
from workbench.experts.summary import summarise

E, ITEMS, PATCHES, WORDS = 6, 12, 4, 3


@pytest.fixture
def bench(tmp_path):
    with open_workspace(tmp_path / "space") as opened:
        world.fill(opened, tmp_path / "images", ITEMS)
        yield opened


def record(layer, *, items=tuple(range(ITEMS)), seed=0, split=False, patches=PATCHES, **changed):
    """Random routing of images and captions; with ``split`` no expert sees both."""
    chance = np.random.default_rng(seed + layer)
    tokens = patches + WORDS
    n = len(items) * tokens
    modality = np.tile(np.repeat([0, 1], [patches, WORDS]), len(items))
    logits = chance.normal(size=(n, E)).astype(np.float32)
    if split:
        allowed = (np.arange(E) >= E // 2) == modality[:, None]
        logits = np.where(allowed, logits, -np.inf).astype(np.float32)
    probs = np.exp(logits)
    probs /= probs.sum(axis=1, keepdims=True)
    chosen = np.argsort(-probs, axis=1)[:, :2]
    return LayerRecord(
        layer=layer,
        name=f"layers.{layer}.mlp.gate",
        experts=E,
        indices=chosen,
        weights=np.take_along_axis(probs, chosen, axis=1),
        kept=np.ones((n, 2), bool),
        logits=logits,
        probs=probs,
        modality=modality,
        sample=np.repeat(items, tokens),
        position=np.tile([*range(patches), *range(WORDS)], len(items)),
        word=np.where(modality == 1, np.arange(n) % 2, -1),
        words=("red", "apple"),
        **changed,
    )


def test_it_is_a_recording_that_pages_can_show(bench):
    records = [record(1), record(5)]
    kept = bench.keep_routing("mixture/7b", records, dataset="d", notes=("Prompt: none.",))
    assert [each.key for each in bench.recordings()] == [kept.key]
    assert (kept.model, kept.layers, kept.experts, kept.top_k) == ("mixture/7b", (1, 5), E, 2)
    assert (kept.grid, kept.modalities, kept.current) == (2, "both", True)
    assert kept.inputs == {"image": ITEMS, "text": ITEMS}
    assert kept.tokens == {"image": ITEMS * PATCHES, "text": ITEMS * WORDS}
    assert kept.dropped == {"image": 0.0, "text": 0.0}
    assert kept.label == "mixture/7b · d · nothing dropped"
    assert kept.notes[-1] == "Prompt: none."
    sums = bench.recorded(kept.key)
    for at, each in enumerate(records):
        for m in (0, 1):
            chosen = np.bincount(each.indices[each.modality == m].ravel(), minlength=E)
            np.testing.assert_array_equal(sums.loads[at, :, m] * 2, chosen)
            soft = each.probs[each.modality == m].astype(np.float16).astype(float).sum(axis=0)
            np.testing.assert_allclose(sums.soft[at, :, m], soft)


def test_one_image_can_be_looked_at(bench):
    one = record(1)
    kept = bench.keep_routing("m", [one, record(5)], dataset="d")
    found = bench.input_tokens(kept.key, 7)
    mine = one.sample == 7
    np.testing.assert_array_equal(found.image.experts[0], one.indices[mine & (one.modality == 0)])
    np.testing.assert_array_equal(found.text.experts[0], one.indices[mine & (one.modality == 1)])
    assert found.text.words == tuple(one.words[at] for at in one.word[mine & (one.modality == 1)])
    assert found.seen == (0.0, 0.0, 1.0, 1.0)  # pictures are pressed into the square
    patch = bench.top_patches(kept.key, 1, 0, n=1)[0]
    assert patch.gate == pytest.approx(
        one.weights[(one.indices == 0) & (one.modality == 0)[:, None]].max(), rel=1e-3
    )
    assert sum(bench.expert_words(kept.key, 1, e).total for e in range(E)) == ITEMS * WORDS
    assert bench.flows(kept.key).flow.sum() == ITEMS * (PATCHES + WORDS)
    assert bench.alike(kept.key, 7, 8)["image"][0].n == PATCHES
    assert len(bench.seen_picture(kept.key, 7)) > 100


def test_the_middle_of_the_picture_may_be_what_was_seen(bench):
    kept = bench.keep_routing("m", [record(0)], dataset="d", fit="shortest")
    left, upper, right, lower = bench.input_tokens(kept.key, 1).seen  # 40 wide, 30 high
    assert (left, right) == (0.125, 0.875) and (upper, lower) == (0.0, 1.0)


def test_experts_of_their_own_for_each_modality_are_one_bit_apart(bench):
    kept = bench.keep_routing("split", [record(0, split=True), record(1, split=True)], dataset="d")
    for layer in summarise(bench.recorded(kept.key), draws=20):
        assert layer.jsd_bits == pytest.approx(1.0, abs=1e-12)
        assert layer.nmi == pytest.approx(1.0, abs=1e-12)
        assert layer.overlap == 0.0


def test_keeping_again_replaces_and_the_same_stays(bench):
    first = bench.keep_routing("m", [record(0)], dataset="d")
    assert bench.keep_routing("m", [record(0)], dataset="d").key == first.key
    second = bench.keep_routing("m", [record(0, seed=9)], dataset="d")
    other = bench.keep_routing("n", [record(0)], dataset="d")
    assert {each.key for each in bench.recordings()} == {second.key, other.key}
    with pytest.raises(UnknownName):
        bench.recording(first.key)
    bench.remove_recording(second.key)
    bench.remove_recording(other.key)
    assert bench.workspace.runs.list() == ()


def test_passes_in_parts_are_as_one(bench):
    whole = bench.keep_routing("m", [record(0)], dataset="d")
    one = record(0)
    halves = [
        replace(one, **{name: getattr(one, name)[mask] for name in vars(one)
                        if isinstance(getattr(one, name), np.ndarray)})
        for mask in (one.sample >= 5, one.sample < 5)
    ]  # fmt: skip
    parts = bench.keep_routing("n", halves, dataset="d")
    np.testing.assert_array_equal(bench.recorded(whole.key).loads, bench.recorded(parts.key).loads)


def test_many_tokens_lie_in_several_files(bench, monkeypatch):
    monkeypatch.setattr(attached, "_SHARD", 2 * (PATCHES + WORDS) + 1)
    one = record(0)
    kept = bench.keep_routing("m", [one], dataset="d")
    assert len(bench.workspace.runs.get(kept.key).result["shards"]) > 3
    assert bench.recorded_rows(kept.key) == tuple(range(ITEMS))
    for row in range(ITEMS):
        mine = (one.sample == row) & (one.modality == 0)
        found = bench.input_tokens(kept.key, row).image.experts[0]
        np.testing.assert_array_equal(found, one.indices[mine])


def test_what_a_router_is_like_is_said(bench):
    flags = Flags(dropless=False, score="sigmoid", bias_selected=True, shared=True, recomputed=True)
    dropping = record(0, flags=flags)
    dropping.kept[dropping.modality == 1, 1] = False
    kept = bench.keep_routing("m", [dropping], dataset="d")
    assert kept.dropped == {"image": 0.0, "text": 0.5}
    assert kept.label.endswith("its own capacity")
    said = " ".join(kept.notes)
    for word in ("dropped", "sigmoid", "bias", "not routed", "computed from them again"):
        assert word in said


def test_a_tower_of_one_modality(bench):
    one = record(0)
    images = replace(one, modality=np.where(one.modality == 0, 0, -1))
    kept = bench.keep_routing("m", [images], dataset="d")
    assert kept.modalities == "image" and kept.inputs["text"] == 0
    words = replace(one, layer=1, modality=np.where(one.modality == 1, 1, -1))
    both = bench.keep_routing("towers", [images, words], dataset="d")
    assert "Only one modality passes blocks 0 and 1" in " ".join(both.notes)
    assert all(np.isnan(each.jsd_bits) for each in summarise(bench.recorded(both.key), draws=20))
    assert bench.expert_sums(both.key) is not None and bench.expert_paths(both.key) is not None


def test_a_router_without_probabilities(bench):
    kept = bench.keep_routing("m", [replace(record(0), probs=None, logits=None)], dataset="d")
    assert np.isnan(bench.recorded(kept.key).soft).all()
    assert bench.expert_sums(kept.key) is not None


def test_what_cannot_be_kept(bench):
    with pytest.raises(UnknownName, match="dataset"):
        bench.keep_routing("m", [record(0)], dataset="e")
    with pytest.raises(InputError, match="row of 'd'"):
        bench.keep_routing("m", [record(0, items=(3, 99))], dataset="d")
    with pytest.raises(InputError, match="square"):
        bench.keep_routing("m", [record(0, patches=6)], dataset="d")
    with pytest.raises(InputError, match="name"):
        bench.keep_routing(" ", [record(0)], dataset="d")
    uneven = [record(0, items=(0, 1)), record(0, items=(2,), patches=9)]
    with pytest.raises(InputError, match="4 to 9"):
        bench.keep_routing("m", uneven, dataset="d")
    assert bench.workspace.runs.list() == ()


def test_the_dataset_takes_its_recordings_along(bench):
    bench.keep_routing("m", [record(0)], dataset="d")
    bench.delete_dataset("d")
    assert bench.recordings() == () and bench.workspace.runs.list() == ()
