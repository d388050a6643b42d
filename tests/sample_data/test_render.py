"""Rendering: the same seed gives the same bytes, and the picture is what the scene says."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from sample_data.build import fingerprint, glyphs, pretrain, pretrain_images, render, shards
from sample_data.build.concepts import Concept


def sprites():
    """Two stand-ins for drawings: an opaque black square, and a bar."""
    square = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    return {"square": square, "bar": Image.new("RGBA", (128, 32), (0, 0, 0, 255))}


def scene(concepts=("square",), sizes=("large",), background="white", layout="centre"):
    return render.Scene(concepts, concepts, sizes, background, layout)


def drawn(what, seed=1, side=96):
    rng = np.random.default_rng(seed)
    return np.asarray(render.render(what, sprites(), side, rng))


def dark(picture):
    """Bounding box (left, top, right, bottom) of what is black."""
    rows, columns = np.nonzero(picture.max(axis=2) < 30)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_same_seed_same_pixels_and_another_seed_others():
    assert np.array_equal(drawn(scene(), 5), drawn(scene(), 5))
    assert not np.array_equal(drawn(scene(), 5), drawn(scene(), 6))


@pytest.mark.parametrize(
    ("size", "low", "high"), [("small", 0.4, 0.6), ("medium", 0.55, 0.75), ("large", 0.7, 0.93)]
)
def test_single_objects_have_the_size_that_their_word_says(size, low, high):
    for seed in range(20):
        left, top, right, bottom = dark(drawn(scene(sizes=(size,)), seed))
        assert low <= (right - left) / 96 <= high
        assert low <= (bottom - top) / 96 <= high


def test_objects_stay_whole_inside_the_frame():
    for seed in range(30):
        left, top, right, bottom = dark(drawn(scene(("bar",)), seed))
        assert (right - left) == pytest.approx(4 * (bottom - top), abs=4)


def test_pairs_hardly_overlap():
    both = scene(("square", "square"), ("large", "large"), layout="beside")
    for seed in range(20):
        left, _, right, _ = dark(drawn(both, seed, side=128))
        assert right - left >= 0.95 * 2 * 0.43 * 128


@pytest.mark.parametrize("layout", ["beside", "stacked"])
def test_the_first_of_a_pair_is_left_or_above(layout):
    both = scene(("bar", "square"), ("medium", "medium"), layout=layout)
    for seed in range(20):
        black = drawn(both, seed).max(axis=2) < 30
        first, second = np.split(black, 2, axis=1 if layout == "beside" else 0)
        assert first.sum() * 2 < second.sum()


@pytest.mark.parametrize("name", render.BACKGROUNDS)
def test_backgrounds_stay_nearest_to_their_own_name(name):
    colours = np.array(list(render.BACKGROUNDS.values()), dtype=float)
    for seed in range(20):
        mean = render.background(name, 32, np.random.default_rng(seed)).mean(axis=(0, 1))
        nearest = np.abs(colours - mean).sum(axis=1).argmin()
        assert list(render.BACKGROUNDS)[nearest] == name


def test_sprites_are_cropped_and_scaled_to_their_longer_side():
    picture = Image.new("RGBA", (200, 100))
    picture.paste((255, 0, 0, 255), (20, 30, 120, 80))
    assert glyphs.sprite(picture).size == (128, 64)


def test_images_do_not_depend_on_the_number_of_processes(tmp_path):
    planned = [
        pretrain.Captioned(scene(("bar",), ("small",), name), "a bar")
        for name in render.BACKGROUNDS
    ]
    pretrain.save(planned, tmp_path / "captions.parquet")
    assert pretrain.load(tmp_path / "captions.parquet") == planned
    write_zip(tmp_path / "noto.zip")
    made = [
        pretrain_images.write(
            tmp_path / "captions.parquet",
            tmp_path / "noto.zip",
            tmp_path / str(processes),
            seed=3,
            processes=processes,
        )
        for processes in (1, 2)
    ]
    assert made[0].read_bytes() == made[1].read_bytes()
    images = np.load(made[0], mmap_mode="r")
    assert images.shape == (10, 96, 96, 3)
    assert fingerprint.digest(images) == fingerprint.digest(np.load(made[1]))
    assert len(np.unique(images, axis=0)) == 10


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for key, picture in sprites().items():
            packed = io.BytesIO()
            picture.save(packed, "PNG")
            archive.writestr(f"{key}.png", packed.getvalue())


def test_shards_have_the_same_bytes_each_time(tmp_path):
    packed = shards.encode(sprites()["square"].convert("RGB"), 80)
    items = [shards.Item(f"{n:06d}", packed, {"concept": "piñata", "n": n}) for n in range(5)]
    first = shards.write(items, tmp_path / "a", "test", 2)
    second = shards.write(items, tmp_path / "b", "test", 2)
    assert [path.name for path in first] == [f"test-00000{n}.tar" for n in range(3)]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert shards.read(first) == items


def test_words_are_split_by_their_shares_to_the_last_one():
    assert pretrain.split(100, {"car": 0.9, "automobile": 0.09, "motorcar": 0.01}) == {
        "car": 90,
        "automobile": 9,
        "motorcar": 1,
    }
    assert sum(pretrain.split(7, {"a": 0.5, "b": 0.3, "c": 0.2}).values()) == 7


def test_a_concept_is_never_paired_with_itself():
    common = Concept("a", "a", "", "", "", [], [], {}, [], pretrain_count=60)
    rare = Concept("b", "b", "", "", "", [], [], {}, [], pretrain_count=40)
    groups = pretrain.groups([common, rare], seed=1)
    assert len(groups) == 80 and sum(len(group) == 2 for group in groups) == 20
    assert all(len({concept for concept, _ in group}) == len(group) for group in groups)
