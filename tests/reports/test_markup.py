from __future__ import annotations

import json

from workbench.reports.markup import Html, data_uri, element, script_data, table


def test_texts_and_attributes_are_escaped_and_elements_are_not():
    inner = element("b", "<script>alert('x')</script>")
    made = element("p", inner, " & ", title='"><img src=x>', class_="a", data_by=3, hidden=None)
    assert made == (
        '<p title="&quot;&gt;&lt;img src=x&gt;" class="a" data-by="3">'
        "<b>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</b> &amp; </p>"
    )


def test_elements_without_an_end_have_none():
    assert element("img", src="data:,", alt="<") == '<img src="data:," alt="&lt;">'


def test_a_table_sorts_by_numbers_and_shows_texts():
    made = table((("a<b", "why?"), ("n", "")), [("<i>", (0.5, "50.0%")), (None, 3)], numeric=(1,))
    assert '<th title="why?">a&lt;b</th><th class="n">n</th>' in made
    assert '<td>&lt;i&gt;</td><td class="n" data-by="0.5">50.0%</td>' in made
    assert '<td></td><td class="n">3</td>' in made


def test_data_cannot_end_its_script_and_stays_the_same_data():
    data = {"a": "</script><!-- & -->"}
    made = script_data(json.dumps(data))
    inner = made.removeprefix('<script type="application/json">').removesuffix("</script>")
    assert "<" not in inner and ">" not in inner and json.loads(inner) == data


def test_bytes_become_an_address():
    assert data_uri(b"abc", "image/webp") == "data:image/webp;base64,YWJj"


def test_joined_text_is_no_markup():
    assert not isinstance("a" + Html("b") + "c", Html)  # what is added to a text is text again
