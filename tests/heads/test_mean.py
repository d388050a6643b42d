from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads.head import ArrayImages, Material
from workbench.heads.mean import Params, class_vectors, prepare


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def material(texts: np.ndarray, starts: list[int], images: np.ndarray, **more) -> Material:
    return Material(ArrayImages(images), np.asarray(texts, np.float32), np.array(starts), **more)


def test_the_worked_example_where_renormalising_decides() -> None:
    texts = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.6, 0.8]], np.float32)
    images = np.array([[1, 0]], np.float32)
    logits = prepare(material(texts, [0, 2, 4], images, scale=1), Params()).logits(images, 0)
    assert logits == pytest.approx(np.array([[0.70711, 0.6]]), abs=1e-5)


def test_it_is_open_clips_classifier() -> None:
    import torch
    from open_clip.zero_shot_classifier import build_zero_shot_classifier

    names, templates = [f"name {i}" for i in range(23)], ["a {}.", "the {}.", "{}"]
    prompts = [t.format(name) for name in names for t in templates]
    raw = np.random.default_rng(0).normal(size=(len(prompts), 16)).astype(np.float32)

    class Encoder(torch.nn.Module):
        def encode_text(self, rows: torch.Tensor, normalize: bool = False) -> torch.Tensor:
            found = torch.tensor(raw)[rows]
            return torch.nn.functional.normalize(found, dim=-1) if normalize else found

    theirs = build_zero_shot_classifier(
        Encoder(),
        lambda texts: torch.tensor([prompts.index(text) for text in texts]),
        names,
        [lambda name, t=t: t.format(name) for t in templates],
        num_classes_per_batch=10,
        device="cpu",
    ).numpy()
    texts = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    ours, _ = class_vectors(texts, np.arange(0, len(prompts) + 1, 3))
    assert np.allclose(ours.T, theirs, atol=1e-6)


def test_ragged_classes_are_averaged_each_over_its_own() -> None:
    texts, starts, images = unit(9), [0, 1, 5, 9], unit(50, seed=1)
    logits = prepare(material(texts, starts, images), Params()).logits(images, 0)
    for row, image in enumerate(images):
        for c in range(3):
            own = [t / np.sqrt(t @ t) for t in texts[starts[c] : starts[c + 1]].astype(float)]
            middle = sum(own) / len(own)
            expected = 100 * (image @ middle) / np.sqrt(middle @ middle)
            assert logits[row, c] == pytest.approx(expected, abs=1e-3)


def test_one_prompt_gives_the_text_itself_with_unit_rows() -> None:
    texts = unit(5)
    found, factors = class_vectors(texts, np.arange(6))
    assert np.allclose(found, texts, atol=1e-6)
    assert np.allclose(factors, 1, atol=1e-6)
    assert np.allclose(np.linalg.norm(class_vectors(texts, np.array([0, 2, 5]))[0], axis=1), 1)


def test_doubling_all_templates_or_shuffling_sentences_changes_nothing() -> None:
    texts = unit(12).reshape(3, 4, 16)
    plain, _ = class_vectors(texts.reshape(-1, 16), np.arange(0, 13, 4))
    twice = np.concatenate([texts, texts], axis=1).reshape(-1, 16)
    assert np.allclose(class_vectors(twice, np.arange(0, 25, 8))[0], plain, atol=1e-6)
    mixed = texts[:, [2, 0, 3, 1]].reshape(-1, 16)
    assert np.allclose(class_vectors(mixed, np.arange(0, 13, 4))[0], plain, atol=1e-6)


def test_the_bias_moves_all_logits_alike() -> None:
    images = unit(4, seed=1)
    plain = prepare(material(unit(6), [0, 3, 6], images), Params())
    moved = prepare(material(unit(6), [0, 3, 6], images, bias=-10.0), Params())
    assert np.allclose(moved.logits(images, 0), plain.logits(images, 0) - 10, atol=1e-4)
    assert (plain.shared, moved.shared) == (0, -10)


def test_prompts_that_cancel_out_name_their_class() -> None:
    row = unit(1)
    texts = np.concatenate([unit(2), row, -row])
    with pytest.raises(InputError, match=r"class 1.*direction"):
        prepare(material(texts, [0, 2, 4], unit(1)), Params())


def test_material_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="unit length"):
        material(unit(3) * np.nan, [0, 1, 3], unit(1))
    with pytest.raises(InputError, match="one prompt a class"):
        material(unit(3), [0, 0, 3], unit(1))
    with pytest.raises(InputError, match="one prompt a class"):
        material(unit(3), [0, 1, 2], unit(1))
    with pytest.raises(InputError, match="one prompt a class"):
        material(unit(0), [0], unit(1))
    with pytest.raises(InputError, match="one model"):
        material(unit(3), [0, 1, 3], unit(1, 8))


def test_images_are_read_in_float32_blocks_and_bad_ones_named() -> None:
    images = unit(10).astype(np.float16)
    read = list(ArrayImages(images).blocks(4))
    assert [start for start, _ in read] == [0, 4, 8]
    assert all(block.dtype == np.float32 for _, block in read)
    images[5, 2] = np.nan
    with pytest.raises(InputError, match=r"row 4.*unit length.*row 1"):
        list(ArrayImages(images).blocks(4))
