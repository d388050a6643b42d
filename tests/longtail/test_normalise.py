"""How captions are cut into words: by hand, and the fast way against the slow one."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.longtail.normalise import pieces, split_terms, words_of


def cut(caption: str, tokens, **options) -> list[tuple[str, bool]]:
    words = words_of(pa.array([caption], pa.string()), tokens, **options)
    return list(zip(words.text.to_pylist(), words.joined.tolist(), strict=True))


def test_words_are_runs_of_letters_and_digits_in_lower_case() -> None:
    found = [text for text, _ in cut("A Black-and_white dog's ball, No. 7!", "words")]
    assert found == ["a", "black", "and", "white", "dog", "s", "ball", "no", "7"]


def test_quotes_are_taken_out_before_words_are_cut() -> None:
    found = [text for text, _ in cut('the "Dog\'s" rock-n’roll “bar”', "unquoted")]
    assert found == ["the", "dogs", "rock", "nroll", "bar"]


def test_punctuation_is_set_apart_and_double_blanks_part_words() -> None:
    assert cut("red  apple,cat", "spaced") == [
        ("red", False),
        ("apple", False),
        (",", True),
        ("cat", True),
    ]
    assert cut("cat, dog", "spaced") == [("cat", False), (",", True), ("dog", False)]
    assert cut("Fox\nbed", "spaced") == [("Fox", False), ("bed", True)]
    assert cut("Fox", "spaced", lower=True) == [("fox", False)]


def test_letters_of_other_scripts_and_both_forms_of_accents() -> None:
    assert [t for t, _ in cut("Café – ÄPFEL«日本»", "words")] == ["café", "äpfel", "日本"]
    assert [t for t, _ in cut("Cafe\u0301", "words")] == ["café"]


def test_captions_do_not_run_into_one_another() -> None:
    captions = pa.array(["", "red", None, "apple pie", " ", "x"], pa.string())
    for tokens in ("words", "spaced", "unquoted"):
        words = words_of(captions.slice(1), tokens)
        assert words.text.to_pylist() == ["red", "apple", "pie", "x"]
        assert words.caption.tolist() == [0, 2, 2, 4]
        assert words.joined.tolist() == [False, False, True, False]


def test_no_caption_gives_no_word() -> None:
    for tokens in ("words", "spaced", "unquoted"):
        assert len(words_of(pa.array([], pa.string()), tokens).text) == 0
        assert len(words_of(pa.array(["", "", None], pa.string()), tokens).text) == 0


def test_terms_keep_their_punctuation_by_metaclip_s_rule() -> None:
    assert split_terms(("St. John",), "spaced").text.to_pylist() == ["St.", "John"]
    assert split_terms(("St. John",), "words").text.to_pylist() == ["st", "john"]


TEXT = st.text("aBé\u0301ßЖ日3 _-'’\"“.,;!`\t\n&", max_size=20)


@pytest.mark.parametrize("tokens", ["words", "spaced", "unquoted"])
@settings(deadline=None, max_examples=50)
@given(st.lists(TEXT, max_size=6), st.booleans())
def test_the_fast_cut_is_the_slow_cut(tokens, captions, lower) -> None:
    words = words_of(pa.array(captions, pa.string()), tokens, lower=lower)
    got = list(zip(words.caption, words.text.to_pylist(), words.joined, strict=True))
    slow = [
        (i, piece) for i, text in enumerate(captions) for piece in pieces(text, tokens, lower=lower)
    ]
    assert got == [(i, piece.text, piece.joined) for i, piece in slow]
    for i, piece in slow:
        assert 0 <= piece.start < piece.end <= len(captions[i])
        if tokens == "spaced" and not lower:
            assert captions[i][piece.start : piece.end] == piece.text
