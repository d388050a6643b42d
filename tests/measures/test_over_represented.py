from __future__ import annotations

from math import comb

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.over_represented import over_represented


def test_the_chance_is_that_of_drawing_by_lot():
    # 10 images, 4 of them white; of the 3 in the part all are white
    values = ["white"] * 4 + ["blue"] * 6
    part = np.array([True] * 3 + [False] * 7)
    (white,) = over_represented({"background": values}, part)
    assert (white.value, white.inside, white.part) == ("white", 3, 3)
    assert white.expected == pytest.approx(1.2)
    assert white.lift == pytest.approx(2.5)
    assert white.p == pytest.approx(comb(4, 3) / comb(10, 3))


def test_fisher_s_exact_test_gives_the_same():
    from scipy.stats import fisher_exact

    rng = np.random.default_rng(3)
    values = rng.choice(["a", "b", "c"], 200).tolist()
    part = rng.random(200) < 0.2
    for found in over_represented({"g": values}, part):
        has = np.array([value == found.value for value in values])
        table = [
            [(part & has).sum(), (part & ~has).sum()],
            [(~part & has).sum(), (~part & ~has).sum()],
        ]
        assert found.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_unknown_values_do_not_count():
    values = ["x", "x", None, "y", "y", "y"]
    part = np.array([True, True, True, False, False, False])
    (x,) = over_represented({"g": values}, part)
    assert (x.part, x.inside) == (2, 2)
    assert x.p == pytest.approx(1 / comb(5, 2))


def test_corrected_for_the_number_of_values_looked_at():
    values = ["a", "a", "b", "b", "c", "c", "c", "c"]
    part = np.array([True, True, True, True, False, False, False, False])
    found = over_represented({"g": values}, part)
    assert [each.p_corrected for each in found] == [min(1, 2 * each.p) for each in found]


@pytest.mark.parametrize("part", [np.zeros(3, bool), np.ones(3, bool)])
def test_nothing_and_everything_have_no_excess(part):
    assert over_represented({"g": ["a", "a", "b"]}, part) == ()


def test_a_column_of_another_length_is_named():
    with pytest.raises(InputError, match="background"):
        over_represented({"background": ["a"]}, np.zeros(2, bool))
