"""A declared parameter as a widget."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.params import Described

__all__ = ["field"]


def field(of: str, about: Described) -> Any:
    """Draw the widget of one parameter and return its value; the address keeps it.

    Args:
        of: what has the parameter; with its name it is the key of the widget.
        about: name, default, help, and what is allowed.
    """
    shown: dict[str, Any] = {
        "label": about.name.replace("_", " ").capitalize(),
        "key": f"{of}.{about.name}",
        "help": about.help,
        "bind": "query-params",
    }
    if about.choices:
        index = about.choices.index(about.default)
        return st.selectbox(options=about.choices, index=index, required=True, **shown)
    if isinstance(about.default, bool):
        return st.toggle(value=about.default, **shown)
    if isinstance(about.default, int | float):
        number = type(about.default)
        low = None if about.low is None else number(about.low)
        high = None if about.high is None else number(about.high)
        return st.number_input(min_value=low, max_value=high, value=about.default, **shown)
    return st.text_input(value=str(about.default), **shown)
