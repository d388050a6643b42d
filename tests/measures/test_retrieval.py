from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.errors import Cancelled, InputError
from workbench.measures.retrieval import RetrievalMeasures, retrieval, retrieval_of_scores


def unit(rng: np.random.Generator, rows: int, dim: int = 32) -> NDArray[Any]:
    vectors = rng.standard_normal((rows, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def numbers(found: RetrievalMeasures) -> list[float]:
    ways = (found.image_retrieval, found.text_retrieval)
    return [value for way in ways for value in way.names().values()]


def slow_recalls(sim: NDArray[Any], items: list[int], k: int) -> tuple[float, float]:
    """Both recalls by sorting each ranking; scores must be distinct."""
    texts = [items[m] in np.argsort(-sim[:, m])[:k] for m in range(len(items))]
    images = [any(items[m] == n for m in np.argsort(-sim[n])[:k]) for n in set(items)]
    return float(np.mean(texts)), float(np.mean(images))


def test_a_model_that_knows_every_caption_scores_one() -> None:
    images = np.eye(6)
    found = retrieval(images, np.repeat(images, 5, axis=0), np.repeat(np.arange(6), 5))
    for way in (found.image_retrieval, found.text_retrieval):
        assert set(way.recall.values()) == {1.0}
        assert (way.median_rank, way.mean_rank, way.mrr, way.tied) == (1, 1, 1, 0)
        assert way.interval == dict.fromkeys((1, 5, 10), (1.0, 1.0))
    assert found.duplicate_texts == 24
    assert found.duplicate_images == 0


def test_an_example_worked_by_hand() -> None:
    # Captions 0 and 1 describe image 0, caption 2 image 1, caption 3 image 2; image 3 has none.
    sim = np.array(
        [
            [0.9, 0.2, 0.3, 0.4],
            [0.1, 0.8, 0.7, 0.5],
            [0.2, 0.3, 0.4, 0.1],
            [0.3, 0.1, 0.2, 0.6],
        ]
    )
    found = retrieval_of_scores(sim, np.array([0, 0, 1, 2]), ks=(1, 2, 3))
    # Ranks of the right image: caption 0 first, caption 1 third, caption 2 first, caption 3 last.
    up = found.image_retrieval
    assert (up.n, up.gallery) == (4, 4)
    assert up.recall == {1: 0.5, 2: 0.5, 3: 0.75}
    assert (up.median_rank, up.mean_rank) == (2.0, 2.25)
    assert up.mrr == pytest.approx((1 + 1 / 3 + 1 + 1 / 4) / 4)
    # Ranks of the best right caption: image 0 first, image 1 second, image 2 last.
    down = found.text_retrieval
    assert (down.n, down.gallery) == (3, 4)
    assert down.recall == pytest.approx({1: 1 / 3, 2: 2 / 3, 3: 2 / 3})
    assert found.images_without_caption == 1
    assert found.image_to_text.queries.tolist() == [0, 1, 2]
    assert found.image_to_text.distractors[2].tolist() == [2, 1, 0, -1, -1]
    assert found.text_to_image.distractors[1].tolist() == [1, 2, -1, -1, -1]


def test_random_scores_give_the_level_of_chance() -> None:
    rng = np.random.default_rng(0)
    n, each = 400, 5
    found = retrieval(unit(rng, n), unit(rng, n * each), np.repeat(np.arange(n), each))
    for k in (1, 5, 10):
        up, down = k / n, 1 - comb(n * each - each, k) / comb(n * each, k)
        assert found.image_retrieval.chance[k] == pytest.approx(up)
        assert found.text_retrieval.chance[k] == pytest.approx(down)
        spread = 4 * np.sqrt(up / (n * each))
        assert found.image_retrieval.recall[k] == pytest.approx(up, abs=spread)
        assert found.text_retrieval.recall[k] == pytest.approx(down, abs=4 * np.sqrt(down / n))


def test_a_model_that_sees_nothing_scores_chance_not_zero_or_one() -> None:
    same = np.ones((20, 4)) / 2
    found = retrieval(same, np.repeat(same, 2, axis=0), np.repeat(np.arange(20), 2))
    assert found.image_retrieval.recall == pytest.approx({1: 1 / 20, 5: 5 / 20, 10: 10 / 20})
    assert found.text_retrieval.recall == pytest.approx(found.text_retrieval.chance)
    assert found.image_retrieval.tied == 40
    assert found.image_retrieval.mean_rank == pytest.approx(10.5)
    assert found.duplicate_images == 19


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 20))
def test_it_agrees_with_a_slow_loop(seed: int, images: int, captions: int) -> None:
    rng = np.random.default_rng(seed)
    items = rng.integers(0, images, captions)
    sim = rng.permutation(images * captions).reshape(images, captions) / (images * captions)
    depths = range(1, max(images, captions) + 2)
    found = retrieval_of_scores(sim, items, ks=tuple(depths), resamples=2)
    for k in depths:
        wanted = slow_recalls(sim, items.tolist(), k)
        got = (found.image_retrieval.recall[k], found.text_retrieval.recall[k])
        assert got == pytest.approx(wanted)
    for way in (found.image_retrieval, found.text_retrieval):
        values = list(way.recall.values())
        assert values == sorted(values)
        assert values[-1] == 1


def test_the_order_of_captions_and_images_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    images, items = unit(rng, 30), np.repeat(np.arange(30), 3)
    texts = 0.4 * images[items] + unit(rng, 90)
    plain = retrieval(images, texts, items)
    inside = np.arange(90).reshape(30, 3)[:, [2, 0, 1]].ravel()
    assert numbers(retrieval(images, texts[inside], items)) == numbers(plain)
    mixed, order = rng.permutation(90), rng.permutation(30)
    back = np.argsort(order)
    moved = retrieval(images[order], texts[mixed], back[items[mixed]])
    assert numbers(moved) == pytest.approx(numbers(plain))


def test_half_precision_vectors_and_scores_ask_the_same_question() -> None:
    rng = np.random.default_rng(5)
    images, items = unit(rng, 25).astype(np.float16), np.arange(50) % 25
    texts = unit(rng, 50).astype(np.float16)
    sim = images.astype(np.float32) @ texts.astype(np.float32).T
    assert numbers(retrieval(images, texts, items)) == numbers(retrieval_of_scores(sim, items))


def test_a_result_with_the_very_same_text_may_count_as_right() -> None:
    # Two images under one text: neither can be preferred, and both answers are right.
    images = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    texts = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = retrieval(images, texts, np.arange(3), caption_text=np.array([4, 4, 9]), ks=(1,))
    assert found.image_retrieval.recall == pytest.approx({1: 2 / 3})
    assert found.tolerant_image_retrieval is not None
    assert found.tolerant_image_retrieval.recall == {1: 1.0}
    assert found.text_retrieval.recall == pytest.approx({1: (1 / 2 + 1 / 2 + 1) / 3})
    assert found.tolerant_text_retrieval is not None
    assert found.tolerant_text_retrieval.recall == {1: 1.0}
    assert found.tolerant_image_retrieval.n == 3
    assert retrieval(images, texts, np.arange(3)).tolerant_image_retrieval is None


def test_progress_counts_both_directions_and_may_stop_it() -> None:
    rng = np.random.default_rng(6)
    steps: list[tuple[int, int]] = []
    items = np.arange(8) % 4
    images, texts = unit(rng, 4), unit(rng, 8)
    retrieval(images, texts, items, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(8, 12), (12, 12)]

    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        retrieval(images, texts, items, progress=stop)


def test_inputs_stay_unchanged_and_the_seed_decides() -> None:
    rng = np.random.default_rng(7)
    images, texts, items = unit(rng, 20), unit(rng, 40), np.arange(40) % 20
    before = [a.copy() for a in (images, texts, items)]
    first = retrieval(images, texts, items, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(before, (images, texts, items), strict=True))
    assert first.image_retrieval == retrieval(images, texts, items, seed=1).image_retrieval
    low, high = first.image_retrieval.interval[10]
    assert low < first.image_retrieval.recall[10] < high


def test_wrong_arguments_are_refused() -> None:
    images, texts, items = np.eye(3), np.eye(3), np.arange(3)
    with pytest.raises(InputError, match="texts"):
        retrieval(images, texts[:2], items)
    with pytest.raises(InputError, match="texts"):
        retrieval(images, texts[:, :2], items)
    with pytest.raises(InputError, match="depths"):
        retrieval(images, texts, items, ks=(0, 1))
    with pytest.raises(InputError, match="caption_item"):
        retrieval(images, texts, np.array([0, 1, 3]))
    with pytest.raises(InputError, match="finite"):
        retrieval(images * np.nan, texts, items)
    with pytest.raises(InputError, match="sim"):
        retrieval_of_scores(np.eye(3), np.arange(2))
