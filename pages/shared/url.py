"""The state of a view in the address, so that every view reopens from its link.

Widgets bind themselves: ``st.text_input(..., key="q", bind="query-params")``. This module holds
what is not a widget: filters, sort order, the open item, the page of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.errors import InputError
from workbench.filters import Filters, from_json, to_json

__all__ = [
    "dialog_is_open",
    "filters",
    "is_old",
    "read",
    "read_all",
    "read_int",
    "remember",
    "set_filters",
    "write",
    "write_all",
]

_ADDRESS = "_address"
_DIALOGS = ("item", "form")


def read(name: str, default: str = "") -> str:
    """The value of an address parameter."""
    return str(st.query_params.get(name, default))


def read_int(name: str, default: int = 0) -> int:
    """The value of an address parameter as a whole number; the default when it is none."""
    try:
        return int(read(name, str(default)))
    except ValueError:
        return default


def write(**values: str | int | None) -> None:
    """Set address parameters; None or the empty text removes one."""
    for name, value in values.items():
        if value is None or value == "":
            if name in st.query_params:
                del st.query_params[name]
        elif read(name) != str(value):
            st.query_params[name] = str(value)


def read_all(name: str) -> tuple[str, ...]:
    """Every value of an address parameter that may stand there several times."""
    return tuple(str(value) for value in st.query_params.get_all(name))


def write_all(name: str, values: Sequence[str]) -> None:
    """Set an address parameter to several values; none removes it."""
    if values:
        st.query_params[name] = list(values)
    else:
        write(**{name: None})


def filters(name: str = "where") -> Filters:
    """The filters of a view; those of a link that was damaged are left out, with a warning."""
    try:
        return from_json(read(name))
    except InputError:
        st.warning("The filters in this link cannot be read; they were left out.")
        write(**{name: None})
        return ()


def set_filters(found: Filters, name: str = "where") -> None:
    """Make these the filters of the view."""
    write(**{name: to_json(found) if found else None})


def remember() -> None:
    """Note the address as the page leaves it; see ``is_old``."""
    st.session_state[_ADDRESS] = _all()


def is_old() -> bool:
    """Whether the browser has asked with an address from before the last change by the page."""
    return bool(st.session_state.get(_ADDRESS, _all()) != _all())


def _all() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in sorted(st.query_params)}


def dialog_is_open() -> bool:
    """Whether the address names a dialog: an item, or a form."""
    return any(map(read, _DIALOGS))
