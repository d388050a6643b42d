"""Captions from templates: noun phrases with size and article, for one, two or three concepts."""

from collections.abc import Sequence

import numpy as np

from sample_data.build.selection import BARE

SIZES = ("small", "medium", "large")
_SOUNDS_LIKE_YOU_OR_ONE = ("uni", "ufo", "ewe", "euro", "one-", "uk")

# (template, weight); {n} noun phrase, {s} noun phrase with size, {w} bare word,
# {bg} background with its article, {colour} without
_PLAIN = (
    ("a photo of {n}", 4),
    ("{n}", 2),
    ("{w}", 1),
    ("a picture of {n}", 1),
    ("{s}", 1),
    ("a photo of {s}", 1),
)
_WITH_BACKGROUND = (
    ("{s} on {bg} background", 3),
    ("{n} on {bg} background", 2),
    ("a photo of {s} on {bg} background", 1),
    ("{s} in front of {bg} wall", 1),
    ("{colour} background with {s}", 1),
)
_PAIRS = {
    "beside": ("{0} and {1}", "{0} next to {1}", "{0} to the left of {1}", "{0} beside {1}"),
    "stacked": ("{0} and {1}", "{0} above {1}", "{0} on top of {1}"),
}
_TRIOS = ("{0}, {1} and {2}", "{0} and {1} with {2} below", "{0} beside {1}, and {2} under them")
_FRAMES = ("{x}", "a photo of {x}", "{x} on {bg} background", "{x} in front of {bg} wall")


def article(phrase: str) -> str:
    """The phrase with "a" or "an" before it, as it sounds."""
    vowel = phrase[0] in "aeiou" and not phrase.startswith(_SOUNDS_LIKE_YOU_OR_ONE)
    return f"an {phrase}" if vowel or phrase.startswith(("hour", "x-ray")) else f"a {phrase}"


def noun_phrase(word: str, size: str | None = None) -> str:
    """The word with its article, unless it is a plural or a mass, and with a size if given."""
    phrase = word if size is None else f"{size} {word}"
    return phrase if word in BARE else article(phrase)


def single(
    word: str, size: str, background: str, rng: np.random.Generator, *, plain: bool = False
) -> str:
    """A caption for one concept; `plain` captions never name the background."""
    templates = _PLAIN if plain or rng.random() < 0.5 else _WITH_BACKGROUND
    weights = np.array([weight for _, weight in templates], dtype=float)
    chosen = templates[rng.choice(len(templates), p=weights / weights.sum())][0]
    values = {"n": noun_phrase(word), "s": noun_phrase(word, size), "w": word}
    return chosen.format(**values, bg=article(background), colour=background)


def several(
    words: list[str],
    sizes: list[str],
    background: str,
    layout: str,
    rng: np.random.Generator,
    *,
    plain: bool = False,
) -> str:
    """A caption for two concepts ("beside": left first, "stacked": upper first) or three."""
    templates = _TRIOS if layout == "triangle" else _PAIRS[layout]
    sized = bool(rng.random() < 0.4)
    phrases = [
        noun_phrase(word, size if sized else None) for word, size in zip(words, sizes, strict=True)
    ]
    listed = templates[rng.integers(len(templates))].format(*phrases)
    frames = _FRAMES[:2] if plain else _FRAMES
    return frames[rng.integers(len(frames))].format(x=listed, bg=article(background))


def located(words: Sequence[str], background: str, layout: str, rng: np.random.Generator) -> str:
    """A caption that says where each concept is and before which background."""
    template = {
        "beside": "{0} to the left of {1}",
        "stacked": "{0} above {1}",
        "triangle": "{0} and {1} with {2} below",
    }[layout]
    phrases = [noun_phrase(word) for word in words]
    frame = ("{x} on {bg} background", "{x} in front of {bg} wall")[rng.integers(2)]
    return frame.format(x=template.format(*phrases), bg=article(background))


def listed(words: Sequence[str], sizes: Sequence[str]) -> str:
    """A caption that lists the concepts with their sizes."""
    phrases = [noun_phrase(word, size) for word, size in zip(words, sizes, strict=True)]
    return f"a photo of {', '.join(phrases[:-1])} and {phrases[-1]}"
