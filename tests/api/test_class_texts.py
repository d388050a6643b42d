"""The texts of classes of the small world, worked out by hand."""

from __future__ import annotations

import pytest

from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


def test_classes_that_read_alike(pets):
    # cat (1, 0, 0), dog (0, 1, 0), hound (.6, .8, 0), fox (0, 0, 1)
    key = evaluate(pets, classes=ClassSet(("cat", "dog", "hound", "fox")))
    found = pets.nearest_classes(key, 1)
    assert [(one.name, one.place) for one in found] == [("hound", 2), ("cat", 0), ("fox", 3)]
    assert [one.cosine for one in found] == pytest.approx([0.8, 0, 0], abs=1e-6)
    # a, b, c: as cats 10, 8, 6; as hounds 6, 9.6, 10; so only a stays a cat
    assert found[0].accuracy is None and found[1].accuracy == pytest.approx(1 / 3)
    (first,) = pets.nearest_classes(key, 0, k=1)
    assert (first.name, first.cosine) == ("hound", pytest.approx(0.6))


def sentences(pets, **asked):
    """Cats are asked for as cats and as hounds, dogs as dogs."""
    prompts = PromptSet("sentences", by_class={"cat": ("a cat", "a hound"), "dog": ("a dog",)})
    return evaluate(pets, classes=ClassSet(("cat", "dog")), prompts=prompts, **asked)


@pytest.mark.parametrize("head", ["mean", "similarity"])
def test_prompts_each_alone(pets, head):
    # dogs score 0, 6, 8 on a, b, c; "a cat" 10, 8, 6; "a hound" 6, 9.6, 10
    one, two = pets.prompt_ranking(sentences(pets, head=head), 0)
    assert (one.text, one.right, one.n, one.accuracy) == ("a hound", 3, 3, 1.0)
    assert (two.text, two.right, two.accuracy) == ("a cat", 2, pytest.approx(2 / 3))
    assert one.lead == pytest.approx((6 + 3.6 + 2) / 3, abs=1e-5)
    assert two.lead == pytest.approx((10 + 2 - 2) / 3, abs=1e-5)


def test_a_single_prompt_gives_the_accuracy_of_the_run(pets):
    key = evaluate(pets)
    for place, record in enumerate(pets.run_classes(key).to_pylist()):
        (only,) = pets.prompt_ranking(key, place)
        assert (only.right, only.n) == (record["correct"], record["n"])


def test_classes_without_images_or_rivals(pets):
    key = evaluate(pets, classes=ClassSet(("cat", "hound")))
    (only,) = pets.prompt_ranking(key, 1)
    assert only.n == only.right == 0 and only.accuracy != only.accuracy
    alone = evaluate(pets, classes=ClassSet(("cat",)))
    assert pets.nearest_classes(alone, 0) == ()
    (only,) = pets.prompt_ranking(alone, 0)
    assert (only.right, only.n) == (3, 3)


def test_what_cannot_be_asked(pets):
    with pytest.raises(InputError, match="below 3"):
        pets.nearest_classes(evaluate(pets), 3)
    with pytest.raises(InputError, match="ncm"):
        pets.prompt_ranking(evaluate(pets, head="ncm"), 0)
