"""What must hold for every head in the register, asked of its card."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.errors import InputError, UnknownName
from workbench.heads.head import ArrayImages, Material, Scorer, Support
from workbench.method import Method
from workbench.methods import METHODS, method
from workbench.params import describe

N, C, P, D = 60, 5, 3, 16
BY_PROMPT = ("mean", "similarity", "zpe", "carprt", "autoclip", "sigmoid", "real-prompt")
EVERY = pytest.mark.parametrize("card", METHODS, ids=lambda card: card.key)
EVERY_PROMPT = pytest.mark.parametrize("card", [method(k) for k in BY_PROMPT], ids=lambda c: c.key)


def unit(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, D)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def material(classes: int = C, prompts: int = P, images: np.ndarray | None = None) -> Material:
    """With everything that any head needs."""
    rng = np.random.default_rng(5)
    place = rng.normal(size=(classes, 2))
    return Material(
        ArrayImages(unit(N, seed=1) if images is None else images),
        unit(classes * prompts),
        np.arange(0, classes * prompts + 1, prompts),
        scale=20.0,
        bias=-4.0,
        support=Support(unit(classes * 4, seed=2), np.repeat(np.arange(classes), 4)),
        metric=np.linalg.norm(place[:, None] - place[None], axis=2),
        pairs=(unit(2, seed=3), unit(2, seed=4)),
        seed=3,
    )


def scored(card: Method, given: Material, size: int = N) -> tuple[Scorer, np.ndarray]:
    scorer = card.prepare(given, card.build({}))
    found = [scorer.logits(block, start) for start, block in given.images.blocks(size)]
    return scorer, np.concatenate(found) if found else np.zeros((0, given.classes), np.float32)


def test_keys_are_found_and_titles_differ() -> None:
    assert [method(card.key) for card in METHODS] == list(METHODS)
    assert len({card.title for card in METHODS}) == len(METHODS)
    with pytest.raises(UnknownName, match="similarity"):
        method("similarty")


def test_a_card_with_an_unknown_need_is_refused() -> None:
    with pytest.raises(InputError, match="luck"):
        replace(METHODS[0], needs=frozenset({"luck"}))


@EVERY
def test_the_card_says_what_it_is(card: Method) -> None:
    assert card.question.endswith("?")
    assert card.unit
    assert card.source
    for each in describe(card.params):
        assert each.help.endswith(".")
        numeric = isinstance(each.default, int | float) and not isinstance(each.default, bool)
        assert not numeric or (each.low is not None and each.high is not None)
        assert card.build({each.name: each.default}) == card.params()


@EVERY
def test_parameters_that_are_not_allowed_are_refused(card: Method) -> None:
    with pytest.raises(InputError, match="nonsense"):
        card.build({"nonsense": 1})
    for each in describe(card.params):
        wrong: list[Any] = [None, [1], "no such choice" if each.choices else {}]
        if each.low is not None and each.high is not None:
            step = 1 if isinstance(each.default, int) else 0.5
            wrong += [each.low - step, each.high + step, "many", True, float("nan")]
        for value in wrong:
            with pytest.raises(InputError, match=f"parameter {each.name}"):
                card.build({each.name: value})


@EVERY
def test_parameters_survive_json_and_text(card: Method) -> None:
    full = card.options({})
    assert card.build(json.loads(json.dumps(full))) == card.params()
    assert card.build({name: str(value) for name, value in full.items()}) == card.params()


@EVERY
def test_logits_are_float32_finite_and_one_a_class(card: Method) -> None:
    _, found = scored(card, material())
    assert (found.dtype, found.shape) == (np.float32, (N, C))
    assert np.isfinite(found).all()


@EVERY
def test_inputs_stay_as_they_are_and_the_same_seed_gives_the_same(card: Method) -> None:
    given = material()
    assert given.support is not None and given.metric is not None and given.pairs is not None
    arrays = [given.images.array, given.texts, given.starts, given.support.vectors]
    arrays += [given.support.labels, given.metric, *given.pairs]
    before = [each.copy() for each in arrays]
    for each in arrays:
        each.flags.writeable = False
    first, second = scored(card, given)[1], scored(card, material())[1]
    assert np.array_equal(first, second)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@EVERY
def test_the_order_of_the_images_does_not_matter(card: Method) -> None:
    order = np.random.default_rng(7).permutation(N)
    plain = scored(card, material())[1]
    mixed = scored(card, material(images=unit(N, seed=1)[order]))[1]
    assert np.allclose(mixed, plain[order], atol=1e-3)


@EVERY
def test_blocks_that_do_not_divide_the_images_give_the_same(card: Method) -> None:
    assert np.allclose(scored(card, material(), 7)[1], scored(card, material())[1], atol=1e-3)


@EVERY
def test_the_parts_of_the_prompts_sum_to_the_logit(card: Method) -> None:
    given = material()
    scorer, found = scored(card, given)
    for row in range(0, N, 11):
        for place in range(C):
            parts = scorer.parts(given.images.array[row], place, row)
            if parts is not None:
                assert parts.sum() + scorer.shared == pytest.approx(found[row, place], abs=2e-4)


@EVERY
@pytest.mark.parametrize(("classes", "images"), [(1, N), (C, 1), (C, 0), (1, 1)])
def test_one_class_and_one_image_and_none(card: Method, classes: int, images: int) -> None:
    _, found = scored(card, material(classes, images=unit(images, seed=1)))
    assert found.shape == (images, classes)
    assert np.isfinite(found).all()


@EVERY
def test_images_that_are_no_numbers_are_refused_by_row(card: Method) -> None:
    images = unit(N, seed=1)
    images[4, 2] = np.nan
    with pytest.raises(InputError, match="row 4"):
        scored(card, material(images=images))


@EVERY_PROMPT
def test_with_one_prompt_all_prompt_heads_agree(card: Method) -> None:
    given = material(prompts=1)
    expected = 20.0 * given.images.array @ given.texts.T - 4.0
    assert np.allclose(scored(card, given)[1], expected, atol=1e-4)


@pytest.mark.parametrize("key", [key for key in BY_PROMPT if key != "carprt"])
def test_of_two_classes_with_one_name_the_first_is_found(key: str) -> None:
    given = material()
    texts = given.texts.copy()
    texts[-P:] = texts[:P]
    found = scored(method(key), replace(given, texts=texts))[1]
    assert np.allclose(found[:, 0], found[:, -1], atol=1e-4)


@EVERY
def test_classes_with_different_numbers_of_prompts_work_or_are_refused(card: Method) -> None:
    given = replace(material(), starts=np.array([0, 1, 6, 8, 14, 15]))
    if "aligned" in card.needs:
        with pytest.raises(InputError, match="1 to 6 prompts a class"):
            scored(card, given)
    else:
        assert np.isfinite(scored(card, given)[1]).all()
