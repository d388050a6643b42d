"""A zero-shot run of the small world, worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tests.api.toys import unit
from tests.api.zero_shot_world import IMAGES, WORDS, Encoder, evaluate, fill, softmax
from workbench.api import Pairs, open_workspace
from workbench.errors import InputError, UnknownName
from workbench.filters import parse
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


def test_the_figures(pets):
    run = pets.zero_shot_run(evaluate(pets))
    assert (run.classes, run.head, run.model, run.label) == (3, "mean", "toy", "label")
    # right: a, b, d, e, h; wrong: c, f; g has no label
    assert run.measures["top1"].value == pytest.approx(5 / 7) and run.measures["top1"].n == 7
    assert run.measures["top5"].value == 1
    assert run.measures["mean_per_class"].value == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert run.measures["top1"].low <= 5 / 7 <= run.measures["top1"].high
    assert "1 images without a label" in run.notes[0]
    groups = {row["value"]: (row["top1"], row["n"]) for row in run.groups["style"]}
    assert groups == {"photo": (1.0, 4), "line": (pytest.approx(1 / 3), 3)}
    assert run.current


def test_classes_and_confusions(pets):
    key = evaluate(pets)
    table = {row["name"]: row for row in pets.run_classes(key).to_pylist()}
    assert table["cat"]["accuracy"] == pytest.approx(2 / 3) and table["cat"]["n"] == 3
    assert table["cat"]["precision"] == pytest.approx(2 / 3)  # a, b and wrongly f
    assert table["cat"]["confused_name"] == "dog" and table["fox"]["confused_name"] is None
    cells = {(r["truth"], r["predicted"]): r["n"] for r in pets.run_confusion(key).to_pylist()}
    assert cells == {(0, 0): 2, (0, 1): 1, (1, 1): 2, (1, 0): 1, (2, 2): 1}
    assert sorted(pets.run_order(key)) == [0, 1, 2]


def test_one_prediction_in_full(pets):
    key = evaluate(pets)
    c = pets.prediction_of(key, 2)
    want = softmax([6.0, 8.0, 0.0])  # scale 10
    assert (c.item, c.truth_name, c.predicted_name, c.rank) == ("c", "cat", "dog", 2)
    assert c.names == ("dog", "cat", "fox")
    assert c.scores == pytest.approx((8, 6, 0), abs=1e-5)
    assert c.margin == pytest.approx(-2, abs=1e-5)
    assert c.confidence == pytest.approx(want[1], abs=1e-6)
    assert c.entropy == pytest.approx(-sum(p * math.log(p) for p in want), abs=1e-5)
    g = pets.prediction_of(key, 6)
    assert (g.truth, g.truth_name, g.rank) == (-1, "", -1) and g.margin == pytest.approx(10)
    assert pets.prediction_of(key, 99) is None


def test_predictions_are_filtered_and_sorted(pets):
    key = evaluate(pets)

    def items(**asked):
        return [row.item for row in pets.predictions(key, **asked).rows]

    assert items(correct=False) == ["f", "c"]  # margins -6.8 and -2
    assert items(truth=0, sort=("row", "asc")) == ["a", "b", "c"]
    assert items(predicted=0, correct=False) == ["f"]
    assert items(where=(parse("style=line"),), sort=("row", "desc")) == ["f", "e", "c"]
    assert items(confidence=(0.0, 0.9), sort=("confidence", "asc")) == ["b", "c"]
    assert items(margin=(-100, -3)) == ["f"]
    assert items(rows=[0, 7], sort=("row", "asc")) == ["a", "h"]
    page = pets.predictions(key, sort=("row", "asc"), limit=3, offset=6)
    assert (page.total, page.of, len(page.rows)) == (8, 8, 2)
    assert page.table["predicted_class"].to_pylist() == ["dog", "fox"]
    with pytest.raises(InputError, match="size"):
        pets.predictions(key, sort=("size", "asc"))


def test_the_same_question_is_asked_once(pets):
    encoder = Encoder()
    first = evaluate(pets, encoder)
    asked = len(encoder.asked)
    assert evaluate(pets, encoder) == first and len(encoder.asked) == asked == 3
    other = evaluate(pets, encoder, where=(parse("style=photo"),))
    assert other != first and len(encoder.asked) == 3  # texts are kept too
    assert [run.key for run in pets.zero_shot_runs("pets")] == [other, first]


def test_contributions_sum_to_the_logits(pets):
    prompts = PromptSet(templates=("a {}.", "a {} and a hound"))
    for head in ("mean", "similarity", "autoclip"):
        key = evaluate(pets, head=head, prompts=prompts)
        found = pets.explain(key, 2)
        one = pets.prediction_of(key, 2)
        scores = dict(zip(one.names, one.scores, strict=True))
        for name, parts, logit in (
            (found.true_name, found.true_parts, found.true_logit),
            (found.predicted_name, found.predicted_parts, found.predicted_logit),
        ):
            total = sum(part.contribution for part in parts) + found.shared
            assert total == pytest.approx(scores[name], abs=1e-4)
            assert logit == pytest.approx(scores[name], abs=1e-4)
        assert [part.name for part in found.true_parts] == list(prompts.templates)
        assert found.true_parts[0].similarity == pytest.approx(0.6, abs=1e-6)
        assert found.neighbours[0].item == "b"


def test_heads_that_add_up_no_prompts_say_so(pets):
    key = evaluate(pets, head="ncm")
    row = pets.predictions(key, limit=1).rows[0].row
    found = pets.explain(key, row)
    assert found.true_parts == () and math.isnan(found.true_logit)


def test_few_shots_are_taken_out_and_stated(pets):
    run = pets.zero_shot_run(evaluate(pets, head="knn", shots=1))
    assert run.measures["top1"].n == 5  # 7 labelled, one cat and one dog learned from
    assert "2 images (up to 1 a class" in run.notes[0] and "1 classes had none" in run.notes[0]


def test_two_runs_are_compared_on_what_both_saw(pets):
    first = evaluate(pets)
    hounds = pets.default_classes("pets").renamed(1, "hound")
    second = evaluate(pets, classes=hounds)
    # as a hound (.6, .8): b (cos .96 > .8) becomes a dog, c stays, e is still a dog, f stays cat
    found = pets.compare(first, second)
    assert found.difference.value == pytest.approx(-1 / 7) and found.difference.n == 7
    assert (found.fixed, found.broken) == ((), (1,))
    assert found.agreement == pytest.approx(6 / 7) and found.p == 1
    top = found.per_class.to_pylist()[0]
    assert (top["name"], top["first"], top["second"]) == ("cat", pytest.approx(2 / 3), 1 / 3)
    photos = evaluate(pets, where=(parse("style=photo"),))
    assert pets.compare(first, photos).difference.n == 4


def test_another_name_gives_what_a_run_with_it_gives(pets):
    key = evaluate(pets)
    client = SimpleNamespace(encode_text=lambda model, texts: Encoder().encode_texts(texts))
    pets._worker_client = lambda: client
    before, after = pets.rename(key, 1, "hound")
    run = pets.zero_shot_run(
        evaluate(pets, classes=pets.default_classes("pets").renamed(1, "hound"))
    )
    dog = pets.run_classes(run.key).to_pylist()[1]["accuracy"]
    assert before == pytest.approx((2 / 3, 5 / 7))
    assert after == pytest.approx((dog, run.measures["top1"].value))
    assert pets.rename(key, 1, "dog")[1] == pytest.approx(before)
    with pytest.raises(InputError):
        pets.rename(key, 9, "x")


def test_several_true_labels(tmp_path):
    labels = [["cat"], ["cat"], ["cat", "dog"], ["dog"], ["dog"], ["dog"], [], ["fox", "cat"]]
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images", labels)
        classes = ClassSet(("cat", "dog", "fox"))
        run = bench.zero_shot_run(evaluate(bench, label="true", classes=classes))
        assert run.measures["real_accuracy"].value == pytest.approx(6 / 7)  # only f is wrong
        assert "any of an image's true labels" in " ".join(run.notes)
        found = run.measures["mean_average_precision"]
        assert (found.value, found.n) == (pytest.approx(map_by_sklearn(labels)), 7)
        assert found.low <= found.value <= found.high


def map_by_sklearn(labels):
    """mAP of the labelled images by scikit-learn, on cosines worked out here."""
    from sklearn.metrics import average_precision_score

    names = ("cat", "dog", "fox")
    kept = [i for i, each in enumerate(labels) if each]
    images = unit([IMAGES[i][3] for i in kept])
    scores = images @ unit([WORDS[name] for name in names]).T
    truth = np.array([[name in labels[i] for name in names] for i in kept])
    return np.mean([average_precision_score(truth[:, c], scores[:, c]) for c in range(3)])


def test_a_sigmoid_head_judges_each_class_alone(tmp_path):
    """Confidence is the sigmoid of the logit, by hand; nothing is scaled by a temperature."""
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images", bias=-5.0)
        plain = bench.zero_shot_run(evaluate(bench))
        run = bench.zero_shot_run(evaluate(bench, head="sigmoid"))
        c = bench.prediction_of(run.key, 2)
        assert c.scores == pytest.approx((3, 1, -5), abs=1e-5)
        wanted = [1 / (1 + math.exp(-z)) for z in (3, 1, -5)]
        assert c.probabilities == pytest.approx(wanted, abs=1e-6)
        assert c.confidence == pytest.approx(wanted[0], abs=1e-6)
        assert run.measures["top1"].value == plain.measures["top1"].value
        assert "ece_scaled" in plain.measures and "ece_scaled" not in run.measures
        assert math.isnan(run.temperature) and set(run.reliability) == {"raw"}
        assert "do not sum to 1" in " ".join(run.notes)


def test_roboshot_takes_a_direction_out_of_the_images(pets):
    """Without what tells cats from dogs the two are scored alike; the fox stays what it is."""
    key = evaluate(pets, head="roboshot", pairs=Pairs.parsed(["cat | dog"], []))
    for row in range(7):
        one = pets.prediction_of(key, row)
        by_name = dict(zip(one.names, one.scores, strict=True))
        assert by_name["cat"] == pytest.approx(by_name["dog"], abs=1e-4)
    assert pets.prediction_of(key, 7).predicted_name == "fox"
    found = pets.explain(key, 2)
    assert found.predicted_logit == pytest.approx(
        sum(part.contribution for part in found.predicted_parts), abs=1e-4
    )
    again = evaluate(pets, head="roboshot", pairs=Pairs.parsed([], ["cat | dog"]))
    assert again != key


def test_a_pair_needs_two_different_texts():
    for line in ("cat", "cat | cat", "cat |"):
        with pytest.raises(InputError):
            Pairs.parsed([line], [])
    assert Pairs.parsed(["", " a|b "], []) == Pairs(reject=(("a", "b"),))


def test_class_sets_and_prompt_sets_are_kept(pets):
    key = pets.save_class_set("mine", ClassSet(("cat", "dog")))
    assert pets.class_set(key) == pets.class_set("mine") == ClassSet(("cat", "dog"))
    assert (key, "mine") in pets.class_sets()
    prompts = pets.save_prompt_set("texts", PromptSet(templates=("x {}",)))
    assert pets.prompt_set("texts").key == prompts
    with pytest.raises(UnknownName):
        pets.class_set("nothing")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"head": "nothing"}, UnknownName),
        ({"label": "colour"}, UnknownName),
        ({"head": "autoclip", "options": {"beta": 7}}, InputError),
        ({"head": "mean", "options": {"beta": 1}}, InputError),
        ({"head": "knn", "shots": 0}, InputError),
        ({"head": "sigmoid"}, InputError),
        ({"head": "real-prompt"}, UnknownName),
        ({"head": "roboshot"}, InputError),
        ({"head": "roboshot", "pairs": Pairs()}, InputError),
        ({"prompts": PromptSet("sentences", by_class={"cat": ("x",)})}, InputError),
        (
            {
                "head": "zpe",
                "classes": ClassSet(("cat", "dog"), synonyms=(("puss",), ())),
                "prompts": PromptSet(templates=("a {}",), synonyms=True),
            },
            InputError,
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_it_is_queued(pets, asked, error):
    with pytest.raises(error):
        pets.submit_zero_shot("pets", "toy", **asked)
    assert pets.jobs(("queued",)) == ()


def test_labels_that_are_no_class_are_an_error_of_the_job(pets):
    with pytest.raises(InputError, match="none that is one of its classes"):
        evaluate(pets, classes=ClassSet(("cat", "dog"), labels=("n1", "n2")))


def test_a_dataset_that_is_not_embedded_is_named(pets):
    pets.workspace.vectors.drop("pets", pets.model("toy").key)
    with pytest.raises(InputError, match="embed"):
        pets.submit_zero_shot("pets", "toy")
