"""Captions with some of their words marked, as literal text in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from pages.shared.plain import plain

__all__ = ["marked"]

_AROUND = 220
"""Characters shown before the first mark and behind it; captions may be whole pages."""


def marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Markdown source that shows a text literally, on one line, with the spans marked.

    Args:
        text: of unknown origin.
        spans: (start, end) in characters; where they overlap they become one.
    """
    start = max(0, min((low for low, _ in spans), default=0) - _AROUND)
    stop = min(len(text), start + 2 * _AROUND)
    at, found = start, "…" if start else ""
    for low, high in _apart(spans):
        if low < stop:
            word = plain(text[low : min(high, stop)])
            found += _literal(text[at:low]) + f":orange-background[{word}]"
            at = min(high, stop)
    return found + _literal(text[at:stop]) + ("…" if stop < len(text) else "")


def _apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that touch joined."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _literal(text: str) -> str:
    """Escaped, with the blanks at both ends that keep it apart from a mark."""
    if not text.strip():
        return " " if text else ""
    before, after = text[0].isspace(), text[-1].isspace()
    return " " * before + plain(text) + " " * after
