from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.experts.made import of_inputs, recorded
from workbench.errors import InputError
from workbench.experts.paths import agreement, coactivation, largest_flows, path_figures
from workbench.experts.shares import divergence, modality_shares


def test_paths_tell_apart_what_layers_alone_do_not():
    """Both modalities use both experts of both layers; images stay and texts cross."""
    flow = np.zeros((1, 2, 2, 2))
    flow[0, 0], flow[0, 1] = np.eye(2) * 50, np.eye(2)[::-1] * 8
    got = path_figures(flow)
    assert got.jsd == pytest.approx([1]) and got.product == pytest.approx([0])
    assert got.dependence == pytest.approx(np.ones((1, 2)))


def test_independent_layers_are_their_product():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(4), size=(2, 2))  # by layer and modality
    flow = np.stack([np.outer(q[0, m], q[1, m]) * (m + 1) for m in (0, 1)])[None]
    got = path_figures(flow)
    assert got.jsd == pytest.approx(got.product) and got.dependence == pytest.approx(
        np.zeros((1, 2)), abs=1e-12
    )
    alone = [divergence(q[layer].T) for layer in (0, 1)]
    assert got.jsd[0] >= max(alone) - 1e-12  # paths know what either layer knows


def test_path_divergence_is_that_of_the_pairs_written_out():
    rng = np.random.default_rng(1)
    flow = rng.integers(0, 9, (3, 2, 3, 3))
    got = path_figures(flow)
    for step in range(3):
        cells = [
            [flow[step, 0, a, b], flow[step, 1, a, b]]
            for a, b in itertools.product(range(3), repeat=2)
        ]
        assert got.jsd[step] == pytest.approx(divergence(modality_shares(np.array(cells))))


def test_a_modality_without_tokens_has_no_paths():
    flow = np.zeros((1, 2, 2, 2))
    flow[0, 0] = 5
    got = path_figures(flow)
    assert np.isnan(got.jsd).all() and np.isnan(got.dependence[0, 1])
    assert path_figures(np.zeros((0, 2, 4, 4))).jsd.shape == (0,)
    with pytest.raises(InputError, match="steps"):
        path_figures(np.zeros((2, 4, 4)))


def test_the_remainder_keeps_the_sum():
    flow = np.array([[9, 2, 0], [1, 7, 1], [0, 3, 0]])
    steps = largest_flows(flow, 3)
    assert [(s.source, s.target, s.n) for s in steps] == [
        (0, 0, 9), (1, 1, 7), (2, 1, 3), (-1, -1, 4)
    ]  # fmt: skip
    whole = largest_flows(flow)
    assert sum(s.n for s in whole) == flow.sum() and all(s.n and s.source >= 0 for s in whole)


def test_all_pairs_of_a_token_count():
    rng = np.random.default_rng(2)
    tokens = np.stack([rng.permutation(6)[:3] for _ in range(400)])
    together, chosen = np.zeros((6, 6)), np.zeros(6)
    for token in tokens:
        for a in token:
            chosen[a] += 1
            for b in token:
                together[a, b] += a != b
    got = coactivation(together, chosen)
    assert np.allclose(np.diag(got), 1)
    mine = tokens[(tokens == 2).any(axis=1)]
    assert got[2, 5] == pytest.approx((mine == 5).any(axis=1).mean())
    # each of a token's experts has two companions
    assert got.sum(axis=1) == pytest.approx(np.full(6, 3))


def test_co_activation_is_not_symmetric_and_needs_tokens():
    together = np.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]])
    got = coactivation(together, np.array([4, 40, 0]))
    assert got[0, 1] == 1 and got[1, 0] == 0.1 and np.isnan(got[2]).all()


def pairs(seed=0, *, n=60, follow=True):
    """Images and captions that use the two experts of their own kind; four kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    hard = np.zeros((2 * n, 1, 8))
    for i in range(n):
        for m, tokens in ((0, 16), (1, 4)):
            mine = kind[i] if follow or m == 0 else rng.integers(0, 4)
            q = 0.1 / 8 + 0.9 * np.isin(np.arange(8), (2 * mine, 2 * mine + 1)) / 2
            hard[2 * i + m, 0] = rng.multinomial(tokens, q / q.sum())
    return of_inputs(
        np.repeat(np.arange(n) * 3, 2), np.tile(np.array([0, 1], np.int8), n), hard, hard
    )


def test_images_agree_with_their_own_captions():
    found = pairs()
    got = agreement(found.inputs)
    assert got.rows.tolist() == (np.arange(60) * 3).tolist()
    assert got.mean[0] > 0.5 > 0.3 > got.shuffled[0] and got.p[0] == pytest.approx(1 / 201)
    shares = [
        found.inputs.hard[2 * 7 + m, 0] / found.inputs.hard[2 * 7 + m, 0].sum() for m in (0, 1)
    ]
    assert got.each[7, 0] == pytest.approx(sum(min(a, b) for a, b in zip(*shares, strict=True)))


def test_captions_that_do_not_follow_are_within_chance():
    p = [agreement(pairs(s, n=30, follow=False).inputs, draws=60).p[0] for s in range(40)]
    assert np.mean(np.array(p) <= 0.05) <= 0.15 and np.mean(p) == pytest.approx(0.5, abs=0.15)


def test_agreement_below_chance_is_told_too():
    """Images of kind k and captions of the next kind share experts, their own never."""
    found = pairs(n=80).inputs
    text = found.modality == 1
    hard = found.hard.copy()
    hard[text] = np.roll(hard[text], 2, axis=2)
    got = agreement(replace(found, hard=hard))
    assert got.mean[0] < got.low[0] < got.shuffled[0] < got.high[0]
    assert got.p[0] == pytest.approx(1 / 201)


def test_separate_experts_agree_with_no_caption():
    got = agreement(recorded([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], pairs=9).inputs)
    assert got.mean == got.shuffled == 0 and got.p == 1


def test_without_pairs_there_is_no_agreement():
    inputs = recorded([0.5, 0.5], [0.5, 0.5], pairs=9, tokens=(4, 0)).inputs
    got = agreement(inputs)
    assert len(got.rows) == 0 and np.isnan([got.mean, got.shuffled, got.p]).all()
    one = agreement(recorded([1, 0], [1, 0], pairs=1).inputs)
    assert one.mean == 1 and np.isnan(one.p).all()
    with pytest.raises(InputError, match="shuffles"):
        agreement(inputs, draws=0)
