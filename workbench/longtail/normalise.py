"""Captions -> words: whole batches by array operations, and one caption with places, slowly.

Three ways to cut, named in ``workbench.longtail.rules``:

``spaced``    MetaCLIP's: blanks are put around , . ; : ? ! and the backtick, tabs and line ends
              become blanks, case is kept; a word is what stands between blanks, and two words
              follow one another only with exactly one blank between them.
``words``     lower case; a word is a run of letters, marks and digits.
``unquoted``  as ``words``, after quotation marks and apostrophes are taken out.

In the last two, text beyond ASCII is then brought to the composed form (NFC).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.longtail.rules import Tokens

__all__ = ["Piece", "Words", "pieces", "split_terms", "words_of"]

_PUNCTUATION = ",.;:?!`"
_SPACES = " \t\n\r"
_QUOTES = "'\"‘’“”"
_OTHERS = r"[^\p{L}\p{M}\p{N}]+"

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Words:
    """The T words of N captions, in order.

    Args:
        text: string array (T,).
        caption: int64 (T,), place of the caption in the batch, ascending.
        joined: bool (T,), True where the word directly follows the one before it in its caption.
    """

    text: pa.StringArray
    caption: NDArray[np.int64]
    joined: NDArray[np.bool_]


@dataclass(frozen=True)
class Piece:
    """One word of one caption: ``caption[start:end]`` is where it stands."""

    text: str
    start: int
    end: int
    joined: bool


def _table(kept: str = "", *, lower: bool = True, letters_only: bool = True) -> Bytes:
    """What each byte becomes; 0 is no part of a word. Bytes beyond ASCII are parts of words."""
    table = np.zeros(256, dtype=np.uint8)
    for byte in range(256):
        char = chr(byte)
        word = char.isalnum() if letters_only else char not in _SPACES
        if byte >= 128 or word or char in kept:
            table[byte] = ord(char.lower()) if lower and byte < 128 else byte
    return table


_LETTERS = _table()
_AS_WRITTEN = _table(letters_only=False, lower=False)
_LOWERED = _table(letters_only=False)
_IS_PUNCTUATION = np.isin(np.arange(256), [ord(char) for char in _PUNCTUATION])
_IS_QUOTE = np.isin(np.arange(256), [ord(char) for char in "'\""])
_SPACE = 32


def words_of(captions: pa.StringArray, tokens: Tokens, *, lower: bool = False) -> Words:
    """The words of a batch of captions; None counts as an empty caption.

    Args:
        captions: (N,) strings, less than 2 GB together.
        tokens: how to cut.
        lower: of ``spaced`` only: compare in lower case.
    """
    if captions.null_count:
        captions = captions.fill_null("")
    captions = _beyond_ascii(captions, tokens, lower=lower)
    data, offsets = _buffers(captions)
    if tokens == "spaced":
        data, offsets = _set_apart(data, offsets)
        return _cut((_LOWERED if lower else _AS_WRITTEN)[data], offsets, one_blank=True)
    if tokens == "unquoted":
        data, offsets = _without_quotes(data, offsets)
    return _cut(_LETTERS[data], offsets, one_blank=False)


def split_terms(terms: tuple[str, ...], tokens: Tokens, *, lower: bool = False) -> Words:
    """The words of terms, cut as captions are; for ``spaced`` at blanks alone.

    MetaCLIP does not set punctuation apart in its entries, so there "St. John" is never found.
    """
    array = pa.array(terms, pa.string())
    if tokens != "spaced":
        return words_of(array, tokens)
    data, offsets = _buffers(_beyond_ascii(array, tokens, lower=lower))
    return _cut((_LOWERED if lower else _AS_WRITTEN)[data], offsets, one_blank=True)


def _beyond_ascii(captions: pa.StringArray, tokens: Tokens, *, lower: bool) -> pa.StringArray:
    if tokens == "spaced" and not lower:
        return captions
    plain = pc.string_is_ascii(captions)
    if pc.all(plain).as_py() is not False:
        return captions
    others = pc.invert(plain)
    rows = captions.filter(others)
    if tokens == "unquoted":
        rows = pc.replace_substring_regex(rows, f"[{_QUOTES}]+", "")
    if tokens != "spaced":
        rows = pc.utf8_normalize(rows, form="NFC")
    rows = pc.utf8_lower(rows)
    if tokens != "spaced":
        rows = pc.replace_substring_regex(rows, _OTHERS, " ")
    return pc.replace_with_mask(captions, others, rows)


def _buffers(captions: pa.StringArray) -> tuple[Bytes, NDArray[np.int64]]:
    """The bytes of the captions and the N + 1 places where they begin and end."""
    _, places, data = captions.buffers()
    begin, count = captions.offset, len(captions)
    if not count:
        return np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    offsets = np.frombuffer(places, dtype=np.int32)[begin : begin + count + 1].astype(np.int64)
    content = np.frombuffer(data, dtype=np.uint8) if data else np.zeros(0, dtype=np.uint8)
    return content[offsets[0] : offsets[-1]], offsets - offsets[0]


def _set_apart(data: Bytes, offsets: NDArray[np.int64]) -> tuple[Bytes, NDArray[np.int64]]:
    """Put a blank before and after each punctuation mark."""
    marks = _IS_PUNCTUATION[data]
    if not marks.any():
        return data, offsets
    ends = np.cumsum(1 + 2 * marks.astype(np.int64))
    spaced = np.full(ends[-1], _SPACE, dtype=np.uint8)
    spaced[ends - 1 - marks] = data
    return spaced, np.concatenate(([0], ends))[offsets]


def _without_quotes(data: Bytes, offsets: NDArray[np.int64]) -> tuple[Bytes, NDArray[np.int64]]:
    quotes = _IS_QUOTE[data]
    if not quotes.any():
        return data, offsets
    kept = np.concatenate(([0], np.cumsum(~quotes)))
    return data[~quotes], kept[offsets]


def _cut(data: Bytes, offsets: NDArray[np.int64], *, one_blank: bool) -> Words:
    """Cut where a byte is 0, and at the ends of captions."""
    inside = data != 0
    first = inside.copy()
    first[1:] &= ~inside[:-1]
    edges = offsets[:-1][offsets[:-1] < len(data)]
    first[edges] = inside[edges]
    starts = np.flatnonzero(first)
    before = np.searchsorted(starts, offsets)  # words before each caption
    caption = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(before))
    places = np.empty(len(starts) + 1, dtype=np.int32)
    kept = np.cumsum(inside, dtype=np.int32)
    places[:-1] = kept[starts] - 1
    places[-1] = kept[-1] if len(kept) else 0
    buffers = [None, pa.py_buffer(places), pa.py_buffer(data[inside])]
    text = pa.StringArray.from_buffers(len(starts), *buffers[1:])
    joined = np.zeros(len(starts), dtype=np.bool_)
    joined[1:] = caption[1:] == caption[:-1]
    if one_blank:  # the byte two before a word that follows another ends that other
        joined[1:] &= inside[np.maximum(starts[1:] - 2, 0)]
    return Words(text, caption, joined)


def pieces(caption: str, tokens: Tokens, *, lower: bool = False) -> list[Piece]:
    """The words of one caption with the places where they stand in it: for marking them.

    The same words as ``words_of``, found character by character.
    """
    if tokens == "spaced":
        return _spaced_pieces(caption, lower=lower)
    dropped = _QUOTES if tokens == "unquoted" else ""
    found: list[Piece] = []
    run: list[int] = []
    for place, char in enumerate([*caption, " "]):
        if unicodedata.category(char)[0] in "LMN":
            run.append(place)
        elif char not in dropped and run:
            text = unicodedata.normalize("NFC", "".join(caption[at] for at in run)).lower()
            found.append(Piece(text, run[0], run[-1] + 1, bool(found)))
            run = []
    return found


def _spaced_pieces(caption: str, *, lower: bool) -> list[Piece]:
    chars: list[tuple[str, int]] = []
    for place, char in enumerate(caption):
        around: list[Any] = [(" ", place)] if char in _PUNCTUATION else []
        chars += [*around, (" " if char in _SPACES else char, place), *around]
    found: list[Piece] = []
    run: list[tuple[str, int]] = []
    blanks = 0
    for char, place in [*chars, (" ", len(caption))]:
        if char != " ":
            run.append((char, place))
            continue
        if run:
            text = "".join(each for each, _ in run)
            joined = bool(found) and blanks == 1
            found.append(Piece(text.lower() if lower else text, run[0][1], run[-1][1] + 1, joined))
            run, blanks = [], 0
        blanks += 1
    return found
