"""HTML in which every text is escaped: what is not made here is text, never markup."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import Any

__all__ = ["Html", "data_uri", "element", "join", "script_data", "table"]

_VOID = frozenset({"img", "meta", "br"})


class Html(str):
    """Markup that this module made; any other string is text and will be escaped."""

    __slots__ = ()


def _inner(value: object) -> str:
    return value if isinstance(value, Html) else html.escape(str(value))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """One element; children and values of attributes are escaped unless they are ``Html``.

    Args:
        tag: its name.
        children: texts and elements inside; other values are written by ``str``.
        attributes: name -> value; a trailing underscore is dropped (``class_``), other
            underscores become hyphens (``data_label``), None leaves the attribute out.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{''.join(map(_inner, children))}</{tag}>")


def join(*parts: object) -> Html:
    """Parts one after the other, a line each; texts are escaped."""
    return Html("\n".join(map(_inner, parts)))


def table(
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[object]],
    *,
    numeric: Sequence[int] = (),
    class_: str | None = None,
) -> Html:
    """A table with a heading.

    Args:
        columns: (name, help text or "").
        rows: cells in the order of the columns; None is an empty cell, a pair of (number, text)
            shows the text and sorts by the number.
        numeric: places of the columns that are set to the right.
        class_: of the table.
    """
    right = frozenset(numeric)
    kinds = ["n" if place in right else None for place in range(len(columns))]
    heads = [
        element("th", name, title=hint or None, class_=kind)
        for (name, hint), kind in zip(columns, kinds, strict=True)
    ]
    lines = [
        element("tr", *(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in rows
    ]
    head, body = element("thead", element("tr", *heads)), element("tbody", join(*lines))
    return element("table", head, body, class_=class_)


def _cell(value: object, kind: str | None) -> Html:
    if value is None:
        return element("td", class_=kind)
    if isinstance(value, tuple):
        return element("td", value[1], class_=kind, data_by=repr(value[0]))
    return element("td", value, class_=kind)


def data_uri(data: bytes, mime: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def script_data(text: str, **attributes: Any) -> Html:
    """JSON inside a script element that browsers do not run; no text in it can end the element."""
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return element("script", Html(safe), type="application/json", **attributes)
