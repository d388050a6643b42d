"""Captions with marked words: literal, whatever they hold."""

from __future__ import annotations

from pages.shared.marked import marked


def test_words_are_marked_and_blanks_stay() -> None:
    found = marked("a red disc here", [(2, 10)])
    assert found == "a :orange-background[red disc] here"
    assert marked("disc", [(0, 4)]) == ":orange-background[disc]"
    assert marked("two  discs", []) == "two discs"


def test_overlapping_spans_become_one() -> None:
    assert marked("abcdef", [(2, 5), (1, 3)]) == "a:orange-background[bcde]f"


def test_markdown_inside_and_outside_of_a_mark_is_literal() -> None:
    found = marked("**a** <b>x]y</b> :red[z]", [(9, 12)])
    assert found == ("\\*\\*a\\*\\* \\<b\\>:orange-background[x\\]y]\\<\\/b\\> :\u2060red\\[z\\]")


def test_a_page_of_text_is_cut_around_the_first_mark() -> None:
    text = "x" * 5000 + " disc " + "y" * 5000
    found = marked(text, [(5001, 5005)])
    assert len(found) < 600
    assert found.startswith("…x") and ":orange-background[disc]" in found and found.endswith("y…")
