from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from workbench.plots import style


def test_images_texts_and_models_never_share_a_colour() -> None:
    colours = [style.IMAGE_COLOUR, style.TEXT_COLOUR, *style.MODEL_COLOURS]
    assert len(set(colours)) == 7
    assert [style.model_colour(i) for i in range(6)] == [
        *style.MODEL_COLOURS,
        style.MODEL_COLOURS[0],
    ]


def test_experts_have_colours_of_their_own_that_repeat_after_eight() -> None:
    eight = [style.expert_colour(i) for i in range(8)]
    others = {style.IMAGE_COLOUR, style.TEXT_COLOUR, *style.MODEL_COLOURS}
    assert len(set(eight)) == 8 and not others & set(eight)
    assert style.expert_colour(11) == eight[3]


def test_a_figure_lets_the_page_shine_through() -> None:
    made = style.figure(height=123, showlegend=True)
    layout = made.layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert (made.layout.height, made.layout.showlegend) == (123, True)
    assert made.layout.paper_bgcolor is None  # the app's theme may set it


def test_numbers_are_written_one_way() -> None:
    assert style.count(12345.4) == "12,345"
    assert style.cosine(0.27449) == "0.274"
    assert style.share(0.41256) == "41.3%"
    assert style.share(float("nan")) == "n/a"
    assert [style.number(v) for v in (1234567.0, 0.123456, 1234.5, -3)] == [
        "1,234,567",
        "0.1235",
        "1,234",
        "-3",
    ]
    assert style.tinted("#0072B2", 0.5) == "rgba(0,114,178,0.5)"


@given(st.text())
def test_no_text_can_carry_markup(text: str) -> None:
    shown = style.plain(text)
    assert not re.search(r"[<>\n]", shown)
    assert len(style.short(text, 10)) <= 10
