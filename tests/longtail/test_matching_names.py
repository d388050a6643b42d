"""Names that fit, names that do not, and what is suggested for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError, UnknownName
from workbench.longtail.matching_names import match_in_order, match_names, suggest


def test_exact_names_fit_and_the_rest_is_listed_on_both_sides() -> None:
    match = match_names(["cat", "plane", "dog"], ["dog", "airplane", "cat", "zebra"])
    assert match.place.tolist() == [2, -1, 0] and match.matched == 2
    assert [(u.name, u.suggestions) for u in match.unmatched] == [("plane", ("airplane",))]
    assert [u.name for u in match.unused] == ["airplane", "zebra"]
    assert match.unused[0].suggestions == ("plane",)
    taken = match.take(np.array([7, 5, 0, 1]))
    assert taken[[0, 2]].tolist() == [0, 7] and np.isnan(taken[1])


def test_a_rename_bridges_them() -> None:
    match = match_names(["cat", "plane"], ["airplane", "cat"], {"plane": "airplane"})
    assert match.place.tolist() == [1, 0] and match.renamed == (("plane", "airplane"),)
    assert match.unmatched == () and match.unused == ()


@pytest.mark.parametrize("renames", [{"plain": "airplane"}, {"plane": "aeroplane"}])
def test_a_rename_of_what_is_not_there_is_refused(renames: dict[str, str]) -> None:
    with pytest.raises(UnknownName, match="plane"):
        match_names(["plane"], ["airplane"], renames)


def test_a_name_that_occurs_twice_on_both_sides_keeps_its_order() -> None:
    match = match_names(["sunglasses", "cat", "sunglasses"], ["cat", "sunglasses", "sunglasses"])
    assert match.place.tolist() == [1, 0, 2] and match.repeated == ()
    once = match_names(["sunglasses"], ["sunglasses", "sunglasses"])
    assert once.place.tolist() == [0] and once.repeated == ("sunglasses",)
    shared = match_names(["cat", "cat"], ["cat"])
    assert shared.place.tolist() == [0, 0] and shared.repeated == ()


def test_matching_in_order_lists_the_names_that_differ() -> None:
    match = match_in_order(["tench", "plane"], ["tench", "airplane"])
    assert match.place.tolist() == [0, 1] and match.renamed == (("plane", "airplane"),)
    with pytest.raises(InputError, match="2 counts"):
        match_in_order(["a", "b"], ["a"])


@pytest.mark.parametrize(
    ("name", "known", "first"),
    [
        ("Acadian_Flycatcher", ["alder flycatcher", "acadian flycatcher"], "acadian flycatcher"),
        ("great grey owl", ["great gray owl", "great egret", "barn owl"], "great gray owl"),
        ("T-shirt", ["t shirt", "skirt"], "t shirt"),
    ],
)
def test_the_likeliest_name_comes_first(name: str, known: list[str], first: str) -> None:
    assert suggest([name], known)[0].suggestions[0] == first


def test_at_most_three_suggestions_and_none_for_what_is_unlike() -> None:
    (found,) = suggest(["owl"], ["barn owl", "eagle owl", "snowy owl", "tawny owl"])
    assert len(found.suggestions) == 3
    assert suggest(["xylophone"], ["cat", "dog"])[0].suggestions == ()
    assert suggest(["!"], ["cat", "", "?"])[0].suggestions == () and suggest([], ["x"]) == ()


def test_thousands_of_strangers_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghij "))
    words = ["".join(rng.choice(letters, 12)) for _ in range(2000)]
    assert len(suggest(words[:1000], words[1000:])) == 1000


names = st.lists(st.sampled_from(["cat", "dog", "owl", "hen", "Cat", "c_at"]), max_size=8)


@given(names, names)
def test_every_name_is_matched_or_listed(classes: list[str], known: list[str]) -> None:
    match = match_names(classes, known)
    listed = {u.name for u in match.unmatched}
    for name, place in zip(classes, match.place, strict=True):
        assert (known[place] == name) if place >= 0 else (name in listed and name not in known)
    assert {u.name for u in match.unused} == set(known) - set(classes)
