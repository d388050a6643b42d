from __future__ import annotations

from itertools import chain, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.measures import ranking as module
from workbench.measures.ranking import Ranking, hit_chance, products, rank_truths
from workbench.measures.truths import Truths


def truths_of(lists: list[list[int]], gallery: int) -> Truths:
    starts = np.cumsum([0, *map(len, lists)])
    return Truths(starts, np.array([*chain(*lists)], dtype=np.int64), gallery)


def rank(scores: list[list[float]], lists: list[list[int]], **options: int) -> Ranking:
    array = np.array(scores, dtype=np.float32)
    (found,) = rank_truths(iter([(0, array)]), truths_of(lists, array.shape[1]), **options)
    return found


def slow(line: list[float], right: list[int], k: int) -> tuple[float, float]:
    """(share of tie orders with a right result in the first k, mean rank), by trying them all."""
    best = max(line[c] for c in right)
    ahead = sum(score > best for score in line)
    level = [c in right for c, score in enumerate(line) if score == best]
    orders = set(permutations(level))
    firsts = [ahead + 1 + order.index(True) for order in orders]
    return sum(f <= k for f in firsts) / len(orders), sum(firsts) / len(orders)


def test_a_ranking_worked_by_hand() -> None:
    #            0    1    2    3    4
    scores = [
        [0.9, 0.1, 0.5, 0.3, 0.2],  # right 0: first
        [0.9, 0.8, 0.5, 0.3, 0.2],  # right 2 and 4: 0 and 1 beat the better one, 2
        [0.1, 0.7, 0.7, 0.7, 0.2],  # right 2: ties with 1 and 3
    ]
    found = rank(scores, [[0], [2, 4], [2]])
    assert found.better.tolist() == [0, 2, 0]
    assert found.tied.tolist() == [0, 0, 2]
    assert found.place.tolist() == [1, 3, 3]
    assert found.rank.tolist() == [1, 3, 2]
    assert found.truth.tolist() == [0, 2, 2]
    assert found.truth_score.tolist() == pytest.approx([0.9, 0.5, 0.7])
    assert found.distractors.tolist() == [[-1] * 5, [0, 1, -1, -1, -1], [1, 3, -1, -1, -1]]
    assert found.distractor_scores[1].tolist() == pytest.approx([0.9, 0.8, *[-np.inf] * 3])
    assert [found.hit_chance(k).tolist() for k in (1, 2, 3)] == [
        pytest.approx([1, 0, 1 / 3]),
        pytest.approx([1, 0, 2 / 3]),
        pytest.approx([1, 1, 1]),
    ]


def test_a_query_without_a_right_result_is_left_out() -> None:
    found = rank([[0.1, 0.2], [0.3, 0.4], [0.6, 0.5]], [[], [0], []])
    assert found.queries.tolist() == [1]
    assert found.place.tolist() == [2]
    assert rank([[0.1, 0.2]], [[]]).queries.tolist() == []


def test_scores_that_differ_by_rounding_only_are_tied() -> None:
    found = rank([[0.3, np.nextafter(np.float32(0.3), np.float32(1)), 0.30001]], [[0]])
    assert (found.better.tolist(), found.tied.tolist()) == ([1], [1])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_it_agrees_with_trying_every_order_of_the_ties(data: st.DataObject) -> None:
    gallery = data.draw(st.integers(1, 6))
    line = st.lists(st.integers(0, 3).map(float), min_size=gallery, max_size=gallery)
    scores = data.draw(st.lists(line, min_size=1, max_size=4))
    right = [sorted(data.draw(st.sets(st.integers(0, gallery - 1), min_size=1))) for _ in scores]
    found = rank(scores, right, distractors=2)
    for k in range(1, gallery + 2):
        wanted = [slow(line, truths, k) for line, truths in zip(scores, right, strict=True)]
        assert found.hit_chance(k).tolist() == pytest.approx([chance for chance, _ in wanted])
        assert found.rank.tolist() == pytest.approx([mean for _, mean in wanted])
    for i, (values, truths) in enumerate(zip(scores, right, strict=True)):
        best = max(values[c] for c in truths)
        wrong = [c for c in range(gallery) if c not in truths and values[c] >= best]
        wrong = sorted(wrong, key=lambda c: (-values[c], c))
        shown = [c for c in found.distractors[i].tolist() if c >= 0]
        assert [values[c] for c in shown] == [values[c] for c in wrong[:2]]
        assert set(shown) <= set(wrong)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    texts, images = rng.standard_normal((50, 8)), rng.standard_normal((30, 8))
    truths = truths_of([[i % 30] if i % 7 else [] for i in range(50)], 30)
    (whole,) = rank_truths(products(texts, images), truths)
    monkeypatch.setattr(module, "_CELLS", 30 * 4)
    steps: list[int] = []
    (parts,) = rank_truths(products(texts, images), truths, progress=steps.append)
    assert steps == [*range(4, 50, 4), 50]
    assert np.array_equal(whole.place, parts.place)
    assert np.array_equal(whole.queries, parts.queries)
    assert np.array_equal(whole.distractors, parts.distractors)


def test_chance_of_random_orders() -> None:
    nothing, truths = np.zeros(1, np.int64), np.array([5])
    # 1 - C(95, 10) / C(100, 10), from the hypergeometric distribution by hand:
    miss = np.prod([(95 - i) / (100 - i) for i in range(10)])
    assert hit_chance(nothing, 100 - truths, truths, 10).tolist() == pytest.approx([1 - miss])


def test_wrong_shapes_and_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        rank([[0.1, np.nan]], [[0]])
    with pytest.raises(InputError, match="scores"):
        rank([[0.1, 0.2]], [[0], [1]])
    with pytest.raises(InputError, match="scores"):
        rank([[0.1, 0.2], [0.1, 0.2]], [[0]])
    with pytest.raises(InputError, match="vectors"):
        next(products(np.zeros((2, 3)), np.zeros((2, 4))))
