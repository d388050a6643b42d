from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.slices import class_slices, embedding_slices


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def planted(seed=0):
    """300 images around four directions; those at the third stand on snow and fail."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(4), 75)
    images = unit(np.eye(8)[kind] + rng.normal(0, 0.15, (300, 8)))
    background = np.where(kind == 2, "snow", rng.choice(["grass", "sand"], 300))
    wrong = np.where(kind == 2, rng.random(300) < 0.6, rng.random(300) < 0.1)
    return images, np.flatnonzero(wrong), background.tolist(), kind


def test_a_planted_slice_comes_first_with_its_word_and_its_background():
    images, mistakes, background, kind = planted()
    words = ["grass", "sand", "snow", "sea"]
    first, *_ = embedding_slices(images, mistakes, {"bg": background}, words, unit(np.eye(8)[:4]))
    assert first.words[0][0] == "snow"
    assert first.excesses[0].value == "snow" and first.excesses[0].p < 1e-9
    assert np.mean(kind[mistakes[first.members]] == 2) > 0.9


def test_every_mistake_is_in_one_slice():
    images, mistakes, background, _ = planted(1)
    found = embedding_slices(images, mistakes, {"bg": background}, [], np.empty((0, 8), np.float32))
    together = np.concatenate([each.members for each in found])
    assert sorted(together) == list(range(len(mistakes)))
    assert all(each.words == () for each in found)


def test_the_same_seed_gives_the_same_slices():
    images, mistakes, background, _ = planted(2)
    nothing = np.empty((0, 8), np.float32)
    one, two = (
        embedding_slices(images, mistakes, {"bg": background}, [], nothing, seed=5)
        for _ in range(2)
    )
    assert [each.members.tolist() for each in one] == [each.members.tolist() for each in two]


def test_no_mistakes_one_mistake_and_equal_vectors():
    images = unit([[1, 0], [0, 1], [1, 0]])
    nothing = np.empty((0, 2), np.float32)
    none = np.empty(0, dtype=np.int64)
    assert embedding_slices(images, none, {}, [], nothing) == ()
    (one,) = embedding_slices(images, np.array([1]), {}, [], nothing)
    assert one.members.tolist() == [0] and one.cohesion == pytest.approx(1)
    (same,) = embedding_slices(images, np.array([0, 2]), {}, [], nothing, slices=2)
    assert len(same.members) == 2


def test_words_without_vectors_are_refused():
    with pytest.raises(InputError, match="words"):
        embedding_slices(unit([[1, 0]]), np.array([0]), {}, ["a"], np.empty((0, 2), np.float32))


def test_wrong_answers_that_gather_on_one_background():
    predicted = np.array([7] * 4 + [1] * 16)
    mistake = np.array([True] * 4 + [False] * 10 + [True] * 6)
    background = ["white"] * 4 + ["white", "blue"] * 8
    first, *_ = class_slices(predicted, mistake, {"bg": background})
    assert (first.predicted, first.excess.value, first.excess.inside) == (7, "white", 4)


def test_too_few_wrong_answers_are_no_slice():
    predicted, mistake = np.array([1, 1, 2]), np.array([True, True, False])
    assert class_slices(predicted, mistake, {"bg": ["a", "a", "b"]}) == ()


def apart(seed=0):
    """Eight classes of 30 images; a third of each stands on snow, which half of those fail for."""
    rng = np.random.default_rng(seed)
    kind, snow = np.repeat(np.arange(8), 30), np.tile(np.arange(30) < 10, 8)
    images = np.eye(12)[kind] + 0.5 * snow[:, None] * np.eye(12)[10]
    images = unit(images + rng.normal(0, 0.05, images.shape))
    wrong = np.where(snow, rng.random(240) < 0.5, rng.random(240) < 0.1)
    return images, np.flatnonzero(wrong), kind, ["snow" if s else "grass" for s in snow]


@pytest.mark.parametrize("seed", range(4))
def test_without_their_classes_mistakes_lie_together_by_what_they_share(seed):
    images, mistakes, kind, background = apart(seed)
    words = [*(f"class {c}" for c in range(8)), "snow"]
    vectors = unit(np.eye(12)[[*range(8), 10]])
    answers = ["bear" if b == "snow" else "dog" for b in background]
    asked = (images, mistakes, {"bg": background}, words, vectors)
    first, *_ = embedding_slices(*asked, truth=kind, answers=answers, slices=3, seed=seed)
    assert first.words[0][0] == "snow" and first.excesses[0].value == "snow"
    assert first.excesses[0].inside > 0.9 * len(first.members)
    assert len(set(kind[mistakes[first.members]])) >= 6  # of most classes
    assert first.answers[0].value == "bear"
    plain, *_ = embedding_slices(*asked, slices=8, seed=seed)
    assert plain.words[0][0].startswith("class") and plain.answers == ()


def test_images_alone_in_a_class_or_without_one_are_held_against_all():
    images = unit([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    nothing = np.empty((0, 3), np.float32)
    truth = np.array([0, 0, 1, -1])
    found = embedding_slices(images, np.arange(4), {}, [], nothing, truth=truth, slices=2)
    assert sorted(np.concatenate([each.members for each in found])) == [0, 1, 2, 3]
    assert all(np.isfinite(each.cohesion) for each in found)


def test_a_column_that_the_class_settles_is_no_background():
    truth = np.repeat(np.arange(10), 10)
    kinds = np.where(truth < 5, "animal", "thing").tolist()
    kinds[0] = "thing"  # a slip
    ground = np.tile(["white", "blue"], 50).tolist()
    mistake = (truth < 5) & (np.arange(100) % 4 == 0)
    predicted = np.where(mistake, 9, truth)
    groups = {"kind": kinds, "bg": ground}
    both = {each.excess.column for each in class_slices(predicted, mistake, groups)}
    assert both == {"kind", "bg"}
    (only,) = class_slices(predicted, mistake, groups, truth=truth)
    assert (only.excess.column, only.excess.value) == ("bg", "white")
    alone = class_slices(predicted, mistake, groups, truth=np.arange(100))
    assert {each.excess.column for each in alone} == {"kind", "bg"}
