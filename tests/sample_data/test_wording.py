"""Captions read like English, and say what is there."""

import numpy as np
import pytest

from sample_data.build import wording
from sample_data.build.sources import MissingSourceError, Sources


@pytest.mark.parametrize(
    ("word", "phrase"),
    [
        ("red apple", "a red apple"),
        ("owl", "an owl"),
        ("hourglass", "an hourglass"),
        ("x-ray", "an x-ray"),
        ("unicorn", "a unicorn"),
        ("ufo", "a ufo"),
        ("umbrella", "an umbrella"),
        ("grapes", "grapes"),
        ("scissors", "scissors"),
    ],
)
def test_articles(word, phrase):
    assert wording.noun_phrase(word) == phrase


def test_sizes_come_before_the_word():
    assert wording.noun_phrase("owl", "small") == "a small owl"
    assert wording.noun_phrase("grapes", "large") == "large grapes"


def test_single_captions_vary_and_plain_ones_never_name_the_background():
    rng = np.random.default_rng(0)
    captions = {wording.single("owl", "small", "orange", rng) for _ in range(300)}
    assert "a small owl on an orange background" in captions
    assert "a photo of an owl" in captions
    assert len(captions) >= 10
    plain = {wording.single("owl", "small", "orange", rng, plain=True) for _ in range(300)}
    assert not any("orange" in caption for caption in plain)


def test_pairs_say_where_things_are():
    rng = np.random.default_rng(0)
    words, sizes = ["owl", "grapes"], ["small", "large"]
    beside = {wording.several(words, sizes, "red", "beside", rng) for _ in range(300)}
    stacked = {wording.several(words, sizes, "red", "stacked", rng) for _ in range(300)}
    assert "an owl to the left of grapes on a red background" in beside
    assert "a photo of a small owl above large grapes" in stacked
    assert not any("above" in caption for caption in beside)


def test_missing_sources_are_named_with_what_to_give(tmp_path):
    sources = Sources(tmp_path / "font.ttf", tmp_path / "t", tmp_path / "o", tmp_path / "e")
    with pytest.raises(MissingSourceError, match="fonts-noto-color-emoji") as raised:
        sources.require()
    assert all(flag in str(raised.value) for flag in ("--twemoji", "--openmoji", "--emojibase"))
