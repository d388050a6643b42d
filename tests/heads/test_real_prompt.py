from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import ArrayImages, Material
from workbench.heads.real_prompt import METHOD, most_frequent
from workbench.prompts.classes import ClassSet, content_key

CLASSES = ClassSet(
    names=("Felis catus", "night snake", "car"),
    labels=("cat", "snake", "auto"),
    synonyms=(("cat", "kitty"), (), ("automobile", "motor car")),
)


def test_each_class_takes_its_most_frequent_word_and_keeps_its_label() -> None:
    counts = {"cat": 900, "kitty": 50, "felis catus": 3, "car": 70, "automobile": 8}
    found = most_frequent(CLASSES, counts)
    assert found.names == ("cat", "night snake", "car")
    assert found.labels == CLASSES.labels
    assert found.synonyms == (("Felis catus", "kitty"), (), ("automobile", "motor car"))


def test_agrees_with_the_most_common_of_a_counter_and_not_with_the_order_of_synonyms() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(40)]
    counts = dict(zip(words, rng.permutation(1000)[:40].tolist(), strict=True))
    groups = [words[i : i + 5] for i in range(0, 40, 5)]
    classes = ClassSet(tuple(g[0] for g in groups), synonyms=tuple(tuple(g[1:]) for g in groups))
    turned = ClassSet(classes.names, synonyms=tuple(s[::-1] for s in classes.synonyms))
    expected = tuple(sorted(group, key=counts.__getitem__)[-1] for group in groups)
    assert most_frequent(classes, counts).names == expected
    assert most_frequent(turned, counts).names == expected


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"felis catus": 5, "cat": 5, "kitty": 5, "car": 1, "automobile": 1},
        {"Felis catus": 9, "felis catus": 0, "cat": 8, "car": 2},
    ],
)
def test_ties_and_words_that_nobody_counted_change_nothing(counts: dict[str, int]) -> None:
    found = most_frequent(CLASSES, counts)
    assert found == CLASSES
    assert content_key(found.to_json()) == CLASSES.key


def test_doing_it_twice_is_doing_it_once_and_one_class_is_enough() -> None:
    once = most_frequent(CLASSES, {"kitty": 2, "motor car": 1})
    assert most_frequent(once, {"kitty": 2, "motor car": 1}) == once
    assert most_frequent(ClassSet(("tall_tree",)), {"tall tree": 3}).names == ("tall_tree",)


@pytest.mark.parametrize("count", [-1, float("nan"), "7", None])
def test_what_is_no_count_is_refused_by_the_word(count: object) -> None:
    with pytest.raises(InputError, match="kitty"):
        most_frequent(CLASSES, {"kitty": count})


def test_the_head_is_the_mean_head() -> None:
    texts = np.eye(3, dtype=np.float32)
    material = Material(ArrayImages(texts), texts, np.arange(4))
    plain = mean.prepare(material, mean.Params()).logits(texts, 0)
    found = METHOD.prepare(material, METHOD.build({})).logits(texts, 0)
    assert np.array_equal(found, plain)
