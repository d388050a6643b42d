"""What an expert serves, against a plain loop over every recorded token."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.pages import routed_world
from workbench.api import open_workspace
from workbench.errors import InputError

LAYER, PLACE, TOP_K, EXPERTS = 2, 1, 2, 4


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    keys = routed_world.build(folder / "workspace", folder)
    with open_workspace(folder / "workspace") as bench:
        yield bench, keys.key


@pytest.fixture(scope="module")
def said(world):
    """(word, chosen experts, distribution) of every word of every caption in one layer."""
    bench, key = world
    found = []
    for row in bench.recorded_rows(key):
        text = bench.input_tokens(key, row).text
        if text is not None:
            for at, word in enumerate(text.words):
                chosen = text.experts[PLACE, at].tolist()
                found.append((word, chosen, text.probs[PLACE, at].tolist()))
    return found


def test_lift_of_words_is_their_rate_over_that_of_all_words(world, said):
    bench, key = world
    uses, here, total = defaultdict(int), defaultdict(float), 0.0
    expert = 1
    for word, chosen, _ in said:
        uses[word] += 1
        here[word] += chosen.count(expert) / TOP_K
        total += chosen.count(expert) / TOP_K
    rate = total / len(said)
    found = {each.word: each for each in bench.word_lifts(key, LAYER, expert)}
    assert set(found) == {word for word, n in here.items() if n}
    for word, each in found.items():
        assert each.n == pytest.approx(here[word]) and each.uses == uses[word]
        assert each.lift == pytest.approx(here[word] / uses[word] / rate)
        assert each.low <= each.lift + 1e-9 and each.lift <= each.high + 1e-9


def test_what_the_router_says_of_a_word_is_its_mean_probability(world, said):
    bench, key = world
    for expert in range(EXPERTS):
        by_word = defaultdict(list)
        for word, _, probs in said:
            by_word[word].append(probs[expert])
        every = [p for ps in by_word.values() for p in ps]
        means = {word: sum(ps) / len(ps) for word, ps in by_word.items() if len(ps) >= 5}
        found = bench.router_words(key, LAYER, expert, n=3)
        assert [each.probability for each in found] == pytest.approx(
            sorted(means.values(), reverse=True)[:3], rel=1e-3
        )
        for each in found:
            assert each.probability == pytest.approx(means[each.word], rel=1e-3)
            assert each.tokens == len(by_word[each.word])
            assert each.lift == pytest.approx(each.probability * len(every) / sum(every), rel=1e-3)


def test_a_class_counts_by_the_shares_of_its_images(world):
    bench, key = world
    (column, *_) = bench.expert_columns(key, LAYER)
    expert, shares = 0, defaultdict(dict)
    for row in bench.recorded_rows(key):
        image = bench.input_tokens(key, row).image
        if image is not None:
            value = bench.item("d", row).columns[column]
            for name in value if isinstance(value, list) else [value]:
                if name is not None:
                    mine = (image.experts[PLACE] == expert).sum()
                    shares[str(name)][row] = mine / (TOP_K * len(image))
    found = {each.name: each for each in bench.expert_classes(key, LAYER, expert, column)}
    assert set(found) == set(shares)
    for name, by_row in shares.items():
        assert found[name].inputs == len(by_row)
        assert found[name].share == pytest.approx(sum(by_row.values()) / len(by_row))
        items = dict(bench.class_items(key, LAYER, expert, column=column, name=name))
        assert items == pytest.approx(by_row)
        values = list(items.values())
        assert values == sorted(values, reverse=True)


def test_an_unknown_expert_and_an_unknown_class(world):
    bench, key = world
    with pytest.raises(InputError, match="expert"):
        bench.word_lifts(key, LAYER, 99)
    with pytest.raises(InputError, match="layer"):
        bench.router_words(key, 1, 0)
    (column, *_) = bench.expert_columns(key, LAYER)
    assert bench.class_items(key, LAYER, 0, column=column, name="not there") == ()


def test_figures_of_experts_stand_from_image_to_text(world):
    bench, key = world
    found = bench.expert_sums(key)
    rows = found.expert_rows()
    assert len(rows) == 3 * EXPERTS
    for layer in found.layers:
        index = [r["modality_index"] for r in rows if r["block"] == layer and not r["dead"]]
        assert index == sorted(index)
        for side in ("image", "text"):
            assert sum(r[f"share_{side}"] for r in rows if r["block"] == layer) == pytest.approx(1)
    bits = sum(r["jsd_bits"] for r in rows if r["block"] == LAYER)
    assert bits == pytest.approx(found.rows()[PLACE]["jsd_bits"])


def test_pairs_that_agree_most_and_least(world):
    bench, key = world
    paths = bench.expert_paths(key)
    best, worst = paths.pairs(0, most=3, alike=True), paths.pairs(0, most=3, alike=False)
    assert best[0][1] >= best[1][1] >= best[2][1] >= worst[2][1] >= worst[1][1] >= worst[0][1]
    row, value = best[0]
    tokens = bench.input_tokens(key, row)
    overlap = sum(
        min(
            float((side.experts[0] == e).sum()) / (TOP_K * len(side))
            for side in (tokens.image, tokens.text)
        )
        for e in range(EXPERTS)
    )
    assert value == pytest.approx(overlap)
