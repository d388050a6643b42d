"""Pages as Streamlit knows them, and ways from one to another with widgets already set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import PAGES, Card
from pages.shared.errors import guarded

__all__ = ["go", "has", "link", "page", "sections"]

Params = Mapping[str, str | list[str]]


def has(module: str) -> bool:
    """Whether ``PAGES`` has a page of this module."""
    return any(card.module == module for card in PAGES)


def page(module: str) -> Any:
    """The Streamlit page of a module in ``PAGES``."""
    card = next(card for card in PAGES if card.module == module)
    return st.Page(
        _runner(card),
        title=card.title,
        icon=card.icon,
        url_path=card.module,
        default=card is PAGES[0],
    )


def _runner(card: Card) -> Callable[[], None]:
    """What draws a page: its module is imported on its first visit, not at start."""

    def run() -> None:
        with guarded():
            import_module(f"pages.{card.module}").draw()

    return run


def sections() -> dict[str, list[Any]]:
    """Section heading -> its pages, in sidebar order."""
    found: dict[str, list[Any]] = {}
    for card in PAGES:
        found.setdefault(card.section, []).append(page(card.module))
    return found


def go(module: str, **params: str | list[str]) -> None:
    """Open another page with these address parameters; ends the present run."""
    _release()
    st.switch_page(page(module), query_params=_filled(params))


def _release() -> None:
    """Let go of the address parameters that widgets of the present page hold.

    Streamlit refuses to leave a page while a bound widget has a value in the address, and would
    drop a parameter of the next page that has the same name. It has no public way to unbind.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    with context.session_state.query_params() as parameters:
        for widget in list(parameters._bindings_by_widget):
            parameters.unbind_widget(widget)


def link(module: str, label: str, *, icon: str | None = None, **params: str | list[str]) -> None:
    """A link to another page with these address parameters. ``label`` is Markdown: escape it."""
    st.page_link(page(module), label=label, icon=icon, query_params=_filled(params))


def _filled(params: Params) -> dict[str, str | list[str]]:
    return {name: value for name, value in params.items() if value}
