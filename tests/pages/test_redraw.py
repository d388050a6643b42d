"""When a page is drawn anew by itself, and when that has to wait."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from pages.shared import url
    from pages.shared.redraw import redraw_unless_in_the_way

    st.session_state.setdefault("drawn", 0)
    st.session_state.drawn += 1
    if not st.session_state.get("changed_by_page"):
        url.remember()
    if st.session_state.drawn == 1 or st.session_state.get("again"):
        st.session_state.again = False
        redraw_unless_in_the_way()


def _drawn(**address: str) -> AppTest:
    app = AppTest.from_function(_page)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_a_page_is_drawn_anew() -> None:
    app = _drawn(dataset="test")
    assert not app.exception and app.session_state["drawn"] == 2


def test_it_waits_while_a_dialog_is_open() -> None:
    for name, value in (("item", "test/3"), ("form", "register")):
        app = _drawn(**{name: value})
        assert not app.exception and app.session_state["drawn"] == 1


def test_it_waits_for_a_browser_with_an_old_address_but_not_for_ever() -> None:
    app = AppTest.from_function(_page)
    app.session_state["changed_by_page"] = True
    app.session_state["_address"] = {"dataset": ["test"]}
    app.query_params["dataset"] = "scenes"
    app.run()
    for drawn in (1, 2):  # looked at once, and once more
        assert app.session_state["drawn"] == drawn
        app.session_state["again"] = True
        app.run()
    assert app.session_state["drawn"] == 4


def test_it_goes_on_when_the_browser_has_the_address_of_the_page() -> None:
    app = AppTest.from_function(_page)
    app.session_state["changed_by_page"] = True
    app.session_state["_address"] = {"dataset": ["test"], "tag": ["a", "b"]}
    app.query_params["dataset"] = "test"
    app.query_params["tag"] = ["a", "b"]
    app.run()
    assert app.session_state["drawn"] == 2
