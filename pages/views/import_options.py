"""What a person may tell an importer that it would otherwise decide by itself."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared.handle import api
from workbench.importers.importer import Importer, Option

__all__ = ["ask"]


def ask(importer: Importer) -> dict[str, Any]:
    """Draw the options of an importer, folded away; return those that were set."""
    if not importer.options:
        return {}
    with st.expander("Columns and folders", icon=":material/tune:", key="options.open"):
        found = {option.name: _value(option, importer.key) for option in importer.options}
    return {name: value for name, value in found.items() if value}


def _value(option: Option, importer: str) -> str | list[str]:
    key = f"option.{importer}.{option.name}"
    if option.kind == "columns":
        return st.multiselect(
            option.title,
            [],
            key=key,
            accept_new_options=True,
            help=option.help,
            placeholder="type a name, then Enter",
        )
    if option.kind == "model":
        names = [model.name for model in api().models()]
        return st.selectbox(option.title, names, index=None, key=key, help=option.help) or ""
    return (st.text_input(option.title, key=key, help=option.help) or "").strip()
