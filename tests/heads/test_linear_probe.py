from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from workbench.errors import InputError
from workbench.heads.head import ArrayImages, Material, Support
from workbench.heads.linear_probe import Params, choose, fit, prepare
from workbench.heads.support import held_out


def _clouds(classes: int, each: int, spread: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, 12))
    labels = np.repeat(np.arange(classes), each)
    rows = (centres[labels] + spread * rng.normal(size=(len(labels), 12))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), labels


@pytest.mark.parametrize("strength", [0.5, 10.0, 300.0])
def test_agrees_with_scikit_learn(strength: float) -> None:
    vectors, labels = _clouds(4, 30, 1.0)
    ours = fit(vectors, labels, 4, strength)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(vectors, labels)
    logits = vectors @ ours[:, :-1].T + ours[:, -1]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(shares, theirs.predict_proba(vectors), atol=2e-3)


def test_rotating_the_features_changes_nothing() -> None:
    vectors, labels = _clouds(3, 20, 0.8)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(12, 12)))[0].astype(np.float32)
    plain, turned = fit(vectors, labels, 3, 10.0), fit(vectors @ turn, labels, 3, 10.0)
    assert np.allclose(plain[:, :-1] @ turn, turned[:, :-1], atol=2e-2)


def test_the_strength_chosen_is_the_one_a_slow_search_finds() -> None:
    vectors, labels = _clouds(4, 12, 1.5)
    held = held_out(labels, 0.5, seed=0)
    strength, accuracy = choose(vectors, labels, 4, held)
    scores = {
        c: LogisticRegression(C=c, tol=1e-8, max_iter=5000)
        .fit(vectors[~held], labels[~held])
        .score(vectors[held], labels[held])
        for c in (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
    }
    assert accuracy == pytest.approx(max(scores.values()), abs=1 / held.sum())
    assert scores[strength] == pytest.approx(max(scores.values()), abs=1 / held.sum())


def test_of_strengths_that_are_right_equally_often_the_better_calibrated_is_chosen() -> None:
    vectors, labels = _clouds(4, 12, 0.05)
    strength, accuracy = choose(vectors, labels, 4, held_out(labels, 0.25, seed=0))
    assert accuracy == 1
    assert strength == 10000.0


def test_nothing_held_out_is_refused() -> None:
    vectors, labels = _clouds(3, 1, 0.1)
    with pytest.raises(InputError, match="at least two images"):
        choose(vectors, labels, 3, held_out(labels, 0.2, seed=0))


def _material(vectors, labels, classes: int, seed: int = 0) -> Material:
    texts = np.eye(classes, 12, dtype=np.float32)
    support = Support(vectors, np.asarray(labels))
    starts = np.arange(classes + 1)
    return Material(ArrayImages(vectors[:0]), texts, starts, support=support, seed=seed)


def test_a_given_strength_is_used_as_it_is() -> None:
    vectors, labels = _clouds(4, 20, 1.0)
    found = prepare(_material(vectors, labels, 4), Params(strength=10)).logits(vectors, 0)
    theirs = LogisticRegression(C=10, tol=1e-8, max_iter=5000).fit(vectors, labels)
    odds = np.exp(found)
    assert np.allclose(
        odds / odds.sum(axis=1, keepdims=True), theirs.predict_proba(vectors), atol=2e-3
    )


def test_the_seed_chooses_the_part_and_all_images_are_fitted() -> None:
    vectors, labels = _clouds(4, 10, 2.0)
    held = held_out(labels, 0.2, seed=7)
    strength, _ = choose(vectors, labels, 4, held)
    chosen = prepare(_material(vectors, labels, 4, seed=7), Params()).logits(vectors, 0)
    given = prepare(_material(vectors, labels, 4), Params(strength=strength)).logits(vectors, 0)
    assert np.array_equal(chosen, given)


def test_classes_without_images_are_never_predicted_and_one_shot_works() -> None:
    vectors, _ = _clouds(3, 1, 0.1)
    scorer = prepare(_material(vectors, [4, 0, 2], 6), Params())
    found = scorer.logits(vectors, 0)
    assert found.argmax(axis=1).tolist() == [4, 0, 2]
    assert np.isfinite(found).all()
    assert found.argsort(axis=1)[:, :3].max() == 5
    lone = prepare(_material(vectors[:1], [1], 3), Params()).logits(vectors, 0)
    assert lone.argmax(axis=1).tolist() == [1, 1, 1]
