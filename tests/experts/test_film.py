from __future__ import annotations

import json
import math

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.experts.film import film_of, read_film


def step(n, **values):
    losses = {"loss": 4 - n / 100, "contrastive": 3.9, "importance": 0.1, "local_text": 0.5}
    more = {"scale": 10.2, "rate": 1.0, "pairs_per_second": 88.0, "kept": [[1.0, 0.9], [0.8, 0.7]]}
    return json.dumps({"kind": "step", "step": n, **losses, **more, **values})


def watch(n, text=0, **values):
    """Images spread over experts 1 to 3; texts at expert ``text``, wavering in the second layer."""
    hard = [[0, 20, 20, 24], [0] * 4]
    hard[1][text] = 12
    look = {
        "layers": [1, 3],
        "hard": [hard, [[16] * 4, [3] * 4]],
        "soft": [hard, [[16.0] * 4, [3.0] * 4]],
        "local": [[0.5, 0.1], [1.3, math.log(4)]],
        "kept": [[1.0, 1.0], [0.9, 0.5]],
        "image_to_text": 0.25,
        "text_to_image": 0.5,
        "pairs": 256,
        "images": 64,
        "texts": 12,
    }
    return json.dumps({"kind": "watch", "step": n, **look, **values})


def test_every_number_is_where_it_belongs(tmp_path):
    path = tmp_path / "training.jsonl"
    path.write_text("\n".join([watch(0, text=1), step(10), step(20), watch(50)]) + "\n")
    film = read_film(path)
    assert film.trained.tolist() == [10, 20] and film.steps.tolist() == [0, 50]
    assert film.layers.tolist() == [1, 3] and film.pairs == 256
    assert list(film.losses) == ["loss", "contrastive", "importance", "local_text"]
    assert film.losses["loss"].tolist() == [3.9, 3.8] and film.speed.tolist() == [88, 88]
    assert film.kept_trained[1, 1].tolist() == [0.8, 0.7]
    assert film.hard.shape == film.soft.shape == (2, 2, 4, 2)
    assert film.shares[1, 0, :, 1].tolist() == [1, 0, 0, 0]
    assert film.shares[0, 0, 3, 0] == pytest.approx(24 / 64)
    assert film.local[1, 1].tolist() == [1.3, math.log(4)] and film.kept[0, 1, 1] == 0.5
    assert film.jsd[1] == pytest.approx([1, 0]) and film.jsd[0, 0] < 0.6
    assert film.effective[1, 0] == pytest.approx([2.98, 1], abs=0.01)
    assert film.effective_soft[0, 1] == pytest.approx([4, 4])
    assert film.image_to_text.tolist() == [0.25] * 2 and film.text_to_image[1] == 0.5


def test_a_dense_model_has_losses_and_retrieval_and_no_layers():
    nothing = {name: [] for name in ("layers", "hard", "soft", "local", "kept")}
    film = film_of([watch(0, **nothing), step(1, kept=[]), watch(5, **nothing)])
    assert film.layers.tolist() == [] and film.hard.shape == (2, 0, 0, 2)
    assert film.jsd.shape == (2, 0) and film.effective.shape == (2, 0, 2)
    assert film.kept_trained.shape == (1, 0, 2) and film.text_to_image.tolist() == [0.5, 0.5]


def test_a_training_that_has_just_begun():
    empty = film_of([])
    assert len(empty.trained) == len(empty.steps) == 0 and empty.pairs == 0 and not empty.losses
    assert empty.jsd.shape == (0, 0)
    only = film_of([watch(0)])
    assert only.kept_trained.shape == (0, 2, 2) and only.steps.tolist() == [0]


def test_the_line_being_written_is_left_out():
    film = film_of([watch(0), step(10), step(20)[:40]])
    assert film.trained.tolist() == [10]


def test_steps_made_again_replace_the_first_ones():
    film = film_of([watch(0), step(10), step(20), step(30), watch(30), step(20, loss=9.0)])
    assert film.trained.tolist() == [10, 20] and film.losses["loss"].tolist() == [3.9, 9.0]


def test_values_that_a_step_lacks_are_no_numbers():
    film = film_of([watch(0), step(10), json.dumps({"kind": "step", "step": 20, "loss": 1.0})])
    assert np.isnan(film.losses["importance"][1]) and np.isnan(film.kept_trained[1]).all()
    assert np.isnan(film.scale[1]) and film_of([watch(0), '{"kind": "note"}']).pairs == 256


@pytest.mark.parametrize(
    "lines, message",
    [
        (["{", watch(0)], "line 1 of training.jsonl.*JSON"),
        ([watch(0), "[1]", step(1)], "line 2.*an object with a step"),
        (['{"kind": "step"}'], "an object with a step"),
        ([watch(0), watch(5, layers=[0, 1])], "the same layers"),
        ([watch(0), watch(5, hard=[[[1], [2]]])], "the same layers"),
        ([watch(0), step(5, kept=[[1.0, 1.0]])], "the same layers"),
        ([watch(0, local="x")], "the same layers"),
    ],
)
def test_what_makes_no_sense_is_refused(lines, message):
    with pytest.raises(InputError, match=message):
        film_of(lines)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(InputError, match=r"film training\.jsonl"):
        read_film(tmp_path / "training.jsonl")
