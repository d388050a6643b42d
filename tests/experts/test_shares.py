from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.experts.made import recorded
from workbench.experts.shares import (
    contributions,
    divergence,
    modality_index,
    modality_shares,
    mutual_information,
    normalised_information,
    overlap,
    shares,
)

COUNTS = arrays(np.int64, (6, 2), elements=st.integers(0, 40)).filter(
    lambda a: (a.sum(axis=0) > 0).all()
)


def q_of(image, text):
    return np.array([image, text], float).T


def slow_divergence(image, text):
    def h(p):
        return -sum(x * math.log2(x) for x in p if x > 0)

    return h([(a + b) / 2 for a, b in zip(image, text, strict=True)]) - (h(image) + h(text)) / 2


def slow_information(counts):
    """Bits, cell by cell."""
    total = sum(map(sum, counts))
    bits = 0.0
    for row in counts:
        for m in (0, 1):
            if row[m]:
                both = row[m] / total
                apart = sum(row) / total * sum(r[m] for r in counts) / total
                bits += both * math.log2(both / apart)
    return bits


@pytest.mark.parametrize(
    "image, text, bits",
    [
        ([0.25] * 4, [0.25] * 4, 0),
        ([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], 1),
        ([0.5, 0.5, 0, 0], [0.5, 0, 0.5, 0], 0.5),
        ([0.2, 0.3, 0.1, 0.4, 0, 0, 0, 0], [0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4], 1),
    ],
)
def test_golden_cases_of_the_divergence(image, text, bits):
    assert divergence(q_of(image, text)) == pytest.approx(bits, abs=1e-12)


def one_text_expert(text_share, experts=8):
    """Balanced load; one expert takes all text and fills up with images."""
    load = 1 / experts
    image = np.full(experts, load)
    image[0] = load - text_share
    return np.stack([image, np.eye(experts)[0] * text_share], axis=1) * 1e6


@pytest.mark.parametrize(
    "text_share, purity, nmi, jsd", [(0.10, 0.80, 0.81, 0.91), (0.027, 0.22, 0.47, 0.76)]
)
def test_purity_misleads_most_information_less_divergence_least(text_share, purity, nmi, jsd):
    counts = one_text_expert(text_share)
    assert counts[0, 1] / counts[0].sum() == pytest.approx(purity, abs=0.005)
    assert normalised_information(counts) == pytest.approx(nmi, abs=0.005)
    assert divergence(modality_shares(counts)) == pytest.approx(jsd, abs=0.005)


@given(COUNTS)
def test_divergence_and_information_are_their_sums_written_out(counts):
    q = modality_shares(counts)
    assert divergence(q) == pytest.approx(slow_divergence(*q.T.tolist()), abs=1e-12)
    assert mutual_information(counts) == pytest.approx(slow_information(counts.tolist()), abs=1e-12)
    assert 0 <= divergence(q) <= 1
    ratio = counts.sum(axis=0) / counts.sum()
    most = min(-(ratio * np.log2(ratio)).sum(), math.log2(6))
    assert -1e-12 <= mutual_information(counts) <= most + 1e-12
    assert 0 <= normalised_information(counts) <= 1
    assert (contributions(q) >= 0).all()
    assert contributions(q).sum() == pytest.approx(divergence(q), abs=1e-12)
    assert overlap(q) == pytest.approx(1 - np.abs(q[:, 0] - q[:, 1]).sum() / 2)


@given(COUNTS, st.permutations(range(6)), st.integers(2, 9))
def test_numbers_of_experts_and_of_tokens_change_nothing(counts, order, times):
    before = divergence(modality_shares(counts))
    assert divergence(modality_shares(counts[list(order)])) == pytest.approx(before)
    assert divergence(modality_shares(counts[:, ::-1])) == pytest.approx(before)
    more = counts * np.array([times, 1])
    assert divergence(modality_shares(more)) == pytest.approx(before)
    assert mutual_information(counts[list(order)]) == pytest.approx(mutual_information(counts))


def test_information_does_follow_the_ratio_of_tokens():
    counts = np.array([[90, 10], [10, 90]])
    more = counts * np.array([9, 1])
    assert mutual_information(more) < mutual_information(counts) - 0.1


def test_equal_priors_make_the_two_the_same():
    counts = np.array([[30, 5], [10, 10], [0, 25]])
    assert mutual_information(counts) == pytest.approx(divergence(modality_shares(counts)))


def test_the_index_runs_from_image_to_text():
    q = q_of([0.5, 0.3, 0.2, 0, 0], [0, 0.1, 0.2, 0.7, 0])
    got = modality_index(q)
    assert got[:4] == pytest.approx([-1, -0.5, 0, 1]) and np.isnan(got[4])


def test_leading_axes_are_kept():
    counts = np.random.default_rng(0).integers(1, 50, (3, 2, 6, 2))
    q = modality_shares(counts)
    assert divergence(q).shape == (3, 2) and modality_index(q).shape == (3, 2, 6)
    assert mutual_information(counts)[1, 1] == pytest.approx(mutual_information(counts[1, 1]))


def test_shares_of_a_recording():
    image, text = [0.5, 0.498, 0, 0.002, 0], [0, 0, 1.0, 0, 0]
    got = shares(recorded(image, text, pairs=500))
    assert got.jsd == pytest.approx([1]) and got.overlap == pytest.approx([0])
    assert got.nmi == pytest.approx([1]) and got.text_share == pytest.approx([0.2])
    assert got.mutual == pytest.approx([-0.2 * math.log2(0.2) - 0.8 * math.log2(0.8)])
    assert got.effective[0] == pytest.approx([2, 1], abs=0.05)
    assert got.effective_soft == pytest.approx(got.effective)
    assert got.dead[0].tolist() == [False, False, False, True, True]
    assert got.order[0].tolist() == [0, 1, 3, 2, 4]
    assert got.load.sum() == pytest.approx(1)


def test_images_alone_have_shares_but_nothing_to_compare_them_with():
    got = shares(recorded([0.5, 0.5], [1, 0], pairs=20, tokens=(8, 0)))
    assert np.isnan([got.jsd[0], got.nmi[0], got.overlap[0], *got.index[0]]).all()
    assert got.share[0, :, 0].sum() == pytest.approx(1) and not got.dead.any()
    assert got.text_share.tolist() == [0]
