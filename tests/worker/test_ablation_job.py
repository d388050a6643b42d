"""The job against a plain loop over inputs; what it reuses, how it resumes, what it refuses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.gpu.tiny import bundle as dense_bundle
from tests.worker import ablation_world as world
from tests.worker import routing_world
from workbench.api import open_workspace
from workbench.errors import InputError, ModelError
from workbench.gpu.limoe.model import Limoe
from workbench.worker import ablation_job
from workbench.worker.ablation_passes import Passes
from workbench.worker.ablation_question import PART
from workbench.worker.control import Control, Interrupted

COUNT = 40
OFF = {0: [1], 3: [0, 2]}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return routing_world.bundle(tmp_path_factory.mktemp("models") / "experts")


@pytest.fixture
def bench(tmp_path, bundle):
    with open_workspace(tmp_path / "space") as opened:
        opened.own = world.fill(opened, tmp_path / "images", bundle, COUNT)
        yield opened


@torch.no_grad()
def by_hand(model: Limoe, stream, off, mode):
    """One input through the model, its mixtures written out token by token."""
    tokens = stream.tokens
    assert tokens.shape[0] == 1
    places = stream.mask[0] if stream.mask is not None else torch.ones(tokens.shape[1]).bool()
    for number, block in enumerate(model.blocks):
        tokens = tokens + block.attention(block.before_attention(tokens), stream.mask)
        inner = block.before_mlp(tokens)
        if number not in model.mixtures():
            tokens = tokens + block.mlp(inner)
            continue
        gone = list(off.get(number, ()))
        for place in torch.nonzero(places).flatten().tolist():
            token = inner[0, place]
            logits = block.mlp.router.weight @ token
            if mode == "reroute":
                logits[gone] = -torch.inf
            gates, chosen = logits.softmax(0).topk(2)
            for gate, expert in zip(gates, chosen.tolist(), strict=True):
                if gone and expert in gone:
                    continue
                tokens[0, place] += gate * block.mlp.expert(expert, token[None])[0]
    after = model.after(tokens)[0, places].mean(dim=0)
    head = model.text_head if stream.modality else model.image_head
    return functional.normalize(head(after), dim=0).numpy()


def vectors_by_hand(bench, off, mode):
    """Images and first captions of all pairs; prompts of the two classes."""
    encoder = bench.own.get("experts")
    model = encoder.model
    rows = [row for row in range(COUNT) if row % 5]
    captions = bench.workspace.tables.captions_of("d", rows)
    images, texts = [], []
    for row, uri in zip(
        rows, bench.workspace.tables.take("d", rows)["uri"].to_pylist(), strict=True
    ):
        pixels = encoder.preprocess.decode(bench.workspace.read_image(uri))
        pixels = encoder.preprocess.normalise(torch.from_numpy(pixels[None]))
        images.append(by_hand(model, model.image_stream(pixels), off, mode))
        texts.append(captions[row][0][1])
    said = {
        text: by_hand(model, model.text_stream(encoder.tokenizer([text])), off, mode)
        for text in {*texts, "a photo of a apple.", "a photo of a plum."}
    }
    return rows, np.stack(images), texts, said


def recall(queries, gallery, wanted, known):
    """Share of queries whose best result has the wanted text, in a plain loop."""
    right = 0
    for query, text in zip(queries, wanted, strict=True):
        scores = [float(query @ each) for each in gallery]
        best = max(s for s, k in zip(scores, known, strict=True) if k == text)
        right += best > max(s for s, k in zip(scores, known, strict=True) if k != text)
    return right / len(queries)


@pytest.mark.parametrize("mode", ["residual", "reroute"])
def test_figures_are_those_of_a_plain_loop(bench, mode):
    world.evaluate(bench, bench.own)
    found = bench.ablation(world.ablate(bench, bench.own, OFF, mode=mode, controls=0))
    whole = vectors_by_hand(bench, {}, mode)
    for figures, off in ((found.before, {}), (found.after, OFF)):
        _rows, images, texts, said = vectors_by_hand(bench, off, mode)
        gallery = [said[text] for text in texts]
        assert figures.image_to_text == pytest.approx(recall(images, gallery, texts, texts))
        assert figures.text_to_image == pytest.approx(recall(gallery, images, texts, texts))
        apart = [1 - float(a @ b) for a, b in zip(images, whole[1], strict=True)]
        assert figures.image_shift == pytest.approx(np.mean(apart), abs=2e-6)
        apart = [1 - float(said[text] @ whole[3][text]) for text in texts]
        assert figures.text_shift == pytest.approx(np.mean(apart), abs=2e-6)
    assert found.after.image_shift > 1e-3 and found.after.text_shift > 1e-3
    assert found.pairs == 32


def test_answers_are_those_of_the_run_and_of_a_plain_loop(bench):
    key = world.evaluate(bench, bench.own)
    run = bench.workspace.runs.get(world.ablate(bench, bench.own, OFF, controls=0))
    answers = bench.workspace.runs.table(run, "answers").to_pylist()
    before = {one.row: one for one in bench.predictions(key, limit=COUNT).rows}
    assert len(answers) == sum(each.truth >= 0 for each in before.values()) == 27
    assert [each["before"] for each in answers] == [before[e["row"]].predicted for e in answers]
    rows, images, _, said = vectors_by_hand(bench, OFF, "residual")
    prompts = [said["a photo of a apple."], said["a photo of a plum."]]
    by_row = {
        row: int(np.argmax([image @ p for p in prompts]))
        for row, image in zip(rows, images, strict=True)
    }
    assert any(each["after"] != each["before"] for each in answers)
    for each in answers:
        if each["row"] in by_row:
            assert each["after"] == by_row[each["row"]]
    right = np.mean([each["after"] == each["truth"] for each in answers])
    assert run.result["after"]["top1"] == pytest.approx(right)


def test_loads_are_shares_of_the_tokens(bench):
    found = bench.ablation(world.ablate(bench, bench.own, {2: [0]}, controls=0))
    for layer in found.layers:
        for side in (0, 1):
            shares = [found.loads[layer, expert][side] for expert in range(4)]
            assert sum(shares) == pytest.approx(1)
    with_experts = [each for each in found.loads if each[0] == 2]
    assert found.carried(tuple(with_experts)) == pytest.approx((1, 1))


def test_every_expert_alone_and_controls_share_their_passes(bench):
    key = world.ablate(bench, bench.own, {2: [1]}, controls=2, every=True)
    found = bench.ablation(key)
    assert [(each.layer, each.expert) for each in found.singles] == [
        (layer, expert) for layer in (0, 2, 3) for expert in range(4)
    ]
    assert len(bench.workspace.runs.list(PART)) == 1 + 12
    alone = {each.figures.off: each.figures for each in found.singles}
    assert alone[((2, 1),)] == found.after
    for control in found.controls:
        assert control.off != ((2, 1),) and control.off[0][0] == 2
        assert alone[control.off] == control
    again = world.ablate(bench, bench.own, {2: [3]}, controls=3)
    assert bench.ablation(again).after == alone[((2, 3),)]
    assert len(bench.workspace.runs.list(PART)) == 1 + 12
    assert world.ablate(bench, bench.own, {2: [1]}, controls=2, every=True) == key


def test_inputs_that_do_not_use_an_expert_need_not_pass_again(bench, monkeypatch):
    encoded = []
    images = Passes._images
    monkeypatch.setattr(
        Passes, "_images", lambda self, places: encoded.append(len(places)) or images(self, places)
    )
    run = bench.workspace.runs.get(world.ablate(bench, bench.own, {3: [3]}, controls=0))
    moved = bench.workspace.runs.table(run, "pairs")["image_shift"].to_numpy() > 0
    assert encoded[0] == 32 and moved.sum() <= encoded[1] <= 32
    world.ablate(bench, bench.own, {3: [3]}, controls=0, mode="reroute")
    assert encoded[2] == 32


class Stopping(Control):
    """Ends the job as a stopping worker does, when a pass begins."""

    def __init__(self, bench, passes):
        job = bench.workspace.jobs.list(["queued"])[0]
        super().__init__(job, bench.workspace, "w", models=bench.own)
        self.left = passes

    def tick(self, done=None, total=None, message=None, **more):
        if message and "pass" in message:
            self.left -= 1
            if self.left < 0:
                raise Interrupted("the worker stops")
        super().tick(done, total, message, **more)


def test_a_stopped_ablation_goes_on_behind_its_last_pass(bench, tmp_path, bundle):
    world.evaluate(bench, bench.own)
    job = bench.submit_ablation("d", "experts", OFF, controls=2)
    with pytest.raises(Interrupted):
        world.run(bench, bench.own, job, Stopping(bench, 2))
    made = {part.key for part in bench.workspace.runs.list(PART)}
    assert len(made) == 3
    kept = {key: bench.workspace.runs.get(key).created for key in made}
    found = bench.ablation(str(world.run(bench, bench.own, job)["run"]))
    assert all(bench.workspace.runs.get(key).created == when for key, when in kept.items())
    with open_workspace(tmp_path / "other") as other:
        other.own = world.fill(other, tmp_path / "images", bundle, COUNT)
        world.evaluate(other, other.own)
        whole = other.ablation(world.ablate(other, other.own, OFF, controls=2))
    assert found.before == whole.before
    for one, two in zip(
        (found.after, *found.controls), (whole.after, *whole.controls), strict=True
    ):
        assert one.off == two.off and one.top1 == two.top1
        assert one.image_shift == pytest.approx(two.image_shift, rel=1e-4)


def test_the_model_that_serves_queries_is_never_changed(bench, monkeypatch):
    model = bench.own.get("experts").model
    seen = []
    monkeypatch.setattr(
        ablation_job,
        "moved",
        lambda *sides: (
            seen.append([m.reroute for m in model.mixtures().values()]) or sides[0][:, 0]
        ),
    )
    world.ablate(bench, bench.own, OFF, controls=0)
    assert seen and all(rule is None for rules in seen for rule in rules)
    state = model.state_dict()
    from workbench.gpu.twin import Twin

    twin = Twin(bench.own.get("experts"))
    assert all(twin.model.state_dict()[n].data_ptr() == v.data_ptr() for n, v in state.items())


def test_an_image_that_cannot_be_read_is_left_out_and_named(bench, tmp_path):
    (tmp_path / "images" / "0004.png").write_bytes(b"no picture")
    found = bench.ablation(world.ablate(bench, bench.own, OFF, controls=1))
    assert found.pairs == 31 and "0004.png" in found.notes[-1]
    rows = bench.workspace.runs.table(bench.workspace.runs.get(found.key), "pairs")["row"]
    assert 4 not in rows.to_pylist()
    again = bench.ablation(world.ablate(bench, bench.own, {0: [2]}, controls=0))
    assert again.pairs == 31 and again.before == found.before


def test_passes_over_an_older_version_are_dropped(bench, tmp_path):
    world.ablate(bench, bench.own, OFF, controls=1)
    old = {part.key for part in bench.workspace.runs.list(PART)}
    routing_world.fill(bench, tmp_path / "more", COUNT + 1)
    key = world.ablate(bench, bench.own, OFF, controls=0)
    assert not old & {part.key for part in bench.workspace.runs.list(PART)}
    new, first = bench.ablations()
    assert (new.key, new.current, first.current) == (key, True, False)
    bench.delete_dataset("d")
    assert bench.workspace.runs.list() == ()


def test_more_controls_than_sets_are_as_many_as_there_are(bench):
    found = bench.ablation(world.ablate(bench, bench.own, {0: [0]}, controls=9))
    assert sorted(each.off for each in found.controls) == [((0, e),) for e in (1, 2, 3)]
    everything = bench.ablation(world.ablate(bench, bench.own, {0: range(4)}, controls=9))
    assert everything.controls == ()
    assert np.isnan(everything.beside("image_shift").mean)


def test_a_model_without_experts_says_so(bench, tmp_path):
    routing_world.with_model(bench, dense_bundle(tmp_path / "dense"), "towers")
    with pytest.raises(ModelError, match=r"no experts to switch off.*Modality gap"):
        bench.submit_ablation("d", "towers", {0: [0]})


@pytest.mark.parametrize(
    ("off", "asked", "match"),
    [
        ({1: [0]}, {}, "block 1 of experts has no experts"),
        ({0: [4]}, {}, "expert of block 0"),
        ({0: []}, {}, "at least one"),
        ({0: range(4)}, {"mode": "reroute"}, "one is left"),
        ({0: [0]}, {"mode": "zero"}, "mode"),
        ({0: [0]}, {"limit": 5}, "limit"),
        ({0: [0]}, {"controls": 99}, "controls"),
        ({0: [0]}, {"seed": -1}, "seed"),
    ],
)
def test_what_is_refused(bench, off, asked, match):
    with pytest.raises((InputError, ModelError), match=match):
        bench.submit_ablation("d", "experts", off, **asked)


def test_asked_before_the_model_was_there(bench):
    ask = {"dataset": "d", "model": "experts", "off": {"0": [1]}, "controls": 1}
    job = bench.workspace.jobs.submit("ablate-experts", {"ask": ask}, title="later")
    first = world.run(bench, bench.own, job)["run"]
    assert first == world.ablate(bench, bench.own, {0: [1]}, controls=1)


def test_captions_columns_and_changes_agree_with_the_figures(bench):
    world.evaluate(bench, bench.own)
    found = bench.ablation(world.ablate(bench, bench.own, OFF, controls=0))
    for way in ("classes", "image_to_text", "text_to_image"):
        changed = bench.ablation_changed(found.key, way)
        name = "top1" if way == "classes" else way
        lead = (len(changed.fixed) - len(changed.broken)) / changed.n
        assert found.change(name) == pytest.approx(lead)
        assert all(a < b for a, b in pairwise(changed.broken))
    table = bench.ablation_damage(found.key).to_pylist()
    assert sum(each["n"] for each in table) == found.images
    broken = bench.ablation_changed(found.key).broken
    assert sum(each["broken"] for each in table) == len(broken)
    for each in table:
        mine = bench.ablation_changed(found.key, place=each["place"])
        assert (len(mine.fixed), len(mine.broken), mine.n) == (
            each["fixed"],
            each["broken"],
            each["n"],
        )
    for row in broken:
        changed = bench.ablation_changed(found.key)
        assert changed.titles[row] == changed.words[row][0] != changed.words[row][1]
    assert bench.ablation_captions(found.key, [6, 5]) == {6: "red red apple and more"}
