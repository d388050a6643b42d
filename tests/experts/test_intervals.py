from __future__ import annotations

import numpy as np
import pytest

from tests.experts.made import of_inputs, recorded
from workbench.errors import InputError
from workbench.experts import intervals as module
from workbench.experts.intervals import divergence_bias, information_bias, intervals, null
from workbench.experts.shares import divergence, modality_shares, mutual_information, shares

IMAGE, TEXT = [0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.2, 0.6]


def slow_draws(found, draws, seed):
    """Whole rows drawn again one by one, layer 0."""
    rng = np.random.default_rng(seed)
    inputs = found.inputs
    rows = np.unique(inputs.rows)
    values = []
    for _ in range(draws):
        counts = np.zeros((found.experts, 2))
        for row in rng.choice(rows, len(rows)):
            for i in np.flatnonzero(inputs.rows == row):
                counts[:, inputs.modality[i]] += inputs.hard[i, 0]
        values.append(float(divergence(modality_shares(counts))))
    return np.array(values)


def test_the_interval_is_that_of_rows_drawn_one_by_one():
    found = recorded(IMAGE, TEXT, pairs=60, spread=3.0)
    values, jsd = slow_draws(found, 400, 3), shares(found).jsd[0]
    low, high = np.quantile(values, [0.025, 0.975]) - (values.mean() - jsd)
    got = intervals(found, draws=4000)
    assert got.jsd[0] == pytest.approx([low, high], abs=0.02)
    assert got.jsd[0, 0] < jsd < got.jsd[0, 1] and got.pairs == 60


@pytest.mark.parametrize(
    "image, text", [(IMAGE, TEXT), ([0.3, 0.3, 0.2, 0.2], [0.2, 0.2, 0.3, 0.3])]
)
def test_about_95_of_100_intervals_hold_the_truth(image, text):
    truth = float(divergence(np.array([image, text]).T))
    held = 0
    for seed in range(100):
        found = recorded(image, text, pairs=200, spread=2.0, seed=seed)
        low, high = intervals(found, draws=200, seed=seed).jsd[0]
        held += low <= truth <= high
    assert held >= 88


def test_every_figure_is_inside_its_interval():
    found = recorded(IMAGE, TEXT, pairs=80, layers=2, spread=1.0)
    got, figures = intervals(found), shares(found)
    for name in ("jsd", "mutual", "nmi", "overlap", "effective", "share"):
        ends, value = getattr(got, name), getattr(figures, name)
        assert ends.shape == (*value.shape, 2)
        assert (ends[..., 0] <= value + 1e-9).all() and (value <= ends[..., 1] + 1e-9).all(), name


def test_ends_stay_where_the_figure_can_be():
    got = intervals(recorded([0.98, 0.02], [0.01, 0.99], pairs=15, tokens=(3, 2), seed=1))
    assert got.effective.min() >= 1 and got.effective.max() <= 2
    for name in ("jsd", "mutual", "nmi", "overlap", "share"):
        ends = getattr(got, name)
        assert 0 <= ends.min() <= ends.max() <= 1, name


def test_tokens_that_go_together_widen_the_interval():
    apart, together = (
        np.ptp(intervals(recorded(IMAGE, TEXT, pairs=400, spread=s)).share[0, 0, 0])
        for s in (None, 0.5)
    )
    # sixteen tokens of which nearly all follow one choice are worth little more than one
    assert 2 < together / apart < 4.2


def test_blocks_by_lot_keep_the_width(monkeypatch):
    found = recorded(IMAGE, TEXT, pairs=3000, tokens=(4, 4), spread=2.0)
    whole = np.ptp(intervals(found, draws=2000).jsd)
    monkeypatch.setattr(module, "BLOCKS", 300)
    assert np.ptp(intervals(found, draws=2000).jsd) == pytest.approx(whole, rel=0.15)


def test_many_inputs_are_shuffled_in_the_limit(monkeypatch):
    found = recorded([0.5, 0.3, 0.2], [0.4, 0.3, 0.3], pairs=600, spread=2.0, layers=2)
    exact = null(found, draws=2000)
    monkeypatch.setattr(module, "BLOCKS", 300)
    limit = null(found, draws=2000)
    for name in ("mean", "high"):
        assert getattr(limit, name) == pytest.approx(getattr(exact, name), rel=0.12)


def test_the_seed_decides():
    found = recorded(IMAGE, TEXT, pairs=30)
    first = intervals(found, draws=50, seed=1)
    assert np.array_equal(first.share, intervals(found, draws=50, seed=1).share)
    assert not np.array_equal(first.share, intervals(found, draws=50, seed=2).share)
    assert np.array_equal(null(found, draws=20).mean, null(found, draws=20).mean)


def test_a_modality_without_tokens_and_bad_questions():
    found = recorded([0.5, 0.5], [1, 0], pairs=9, tokens=(8, 0))
    got, lot = intervals(found, draws=20), null(found, draws=20)
    assert np.isnan(got.jsd).all() and not np.isnan(got.share[0, :, 0]).any()
    assert np.isnan([lot.mean, lot.high, lot.p, lot.tokens]).all()
    alone = of_inputs(np.zeros(2, np.int64), np.zeros(2, np.int8), *[np.ones((2, 1, 2))] * 2)
    assert np.isnan(null(alone, draws=5).p).all()
    empty = recorded([0.5, 0.5], [1, 0], pairs=0)
    with pytest.raises(InputError, match="at least 1 input"):
        intervals(empty)
    with pytest.raises(InputError, match="shuffles"):
        null(found, draws=0)


def test_routing_alike_is_within_chance_and_routing_apart_is_not():
    alike = recorded([0.25] * 4, [0.25] * 4, pairs=300, spread=2.0)
    lot = null(alike)
    assert lot.p[0] > 0.01 and shares(alike).jsd[0] < 3 * lot.high[0]
    # tokens that go together make more of a difference by lot than tokens one by one
    assert lot.mean[0] > 1.5 * lot.tokens[0]
    apart = null(recorded(IMAGE, TEXT, pairs=300, spread=2.0), draws=199)
    assert apart.p[0] == pytest.approx(1 / 200) and apart.high[0] < 0.02


def test_p_is_even_where_both_modalities_are_routed_alike():
    p = [
        null(
            recorded([0.4, 0.3, 0.3], [0.4, 0.3, 0.3], pairs=40, tokens=(8, 8), seed=s), draws=99
        ).p[0]
        for s in range(200)
    ]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("tokens, nats", [(500, 0.0075), (5000, 0.00067), (50_000, 0.000072)])
def test_the_bias_of_information_is_what_was_measured_elsewhere(tokens, nats):
    """E = 8, two modalities, independent."""
    assert information_bias(8, tokens) * np.log(2) == pytest.approx(nats, rel=0.1)


def test_biases_are_those_of_tokens_drawn_by_lot():
    rng = np.random.default_rng(0)
    counts = np.stack(
        [rng.multinomial(n, np.full(8, 1 / 8), size=2000) for n in (900, 100)], axis=-1
    )
    jsd, information = divergence(modality_shares(counts)), mutual_information(counts)
    assert divergence_bias(8, 900, 100) == pytest.approx(jsd.mean(), rel=0.05)
    assert information_bias(8, 1000) == pytest.approx(information.mean(), rel=0.05)
    found = recorded([1 / 8] * 8, [1 / 8] * 8, pairs=100, tokens=(9, 1))
    assert null(found, draws=300).tokens[0] == pytest.approx(divergence_bias(8, 900, 100), rel=0.1)
