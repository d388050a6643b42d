"""The error box: what went wrong, what was expected, what came, what to do."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shared.plain import plain
from workbench import __version__
from workbench.errors import WorkbenchError

__all__ = ["guarded", "show"]


@contextmanager
def guarded() -> Iterator[None]:
    """Show an error raised inside as a box in its place; what is drawn elsewhere stays usable."""
    try:
        yield
    except Exception as error:
        show(error)


def show(error: Exception) -> None:
    """Draw the box of one error. Its texts are shown literally."""
    if isinstance(error, WorkbenchError):
        _expected(error)
    else:
        _unexpected(error)


def _expected(error: WorkbenchError) -> None:
    what = error.what[:1].upper() + error.what[1:]
    lines = [f"**{plain(what)}**"]
    if error.expected:
        lines.append(f"Expected: {plain(error.expected)}")
    if error.got:
        lines.append(f"Got: {plain(error.got)}")
    if error.do:
        lines.append(f":material/arrow_forward: {plain(error.do)}")
    st.error("  \n".join(lines), icon=":material/error:")


def _unexpected(error: Exception) -> None:
    kind = type(error).__name__
    st.error(
        f"**Workbench made a mistake here: {plain(kind)}**  \n{plain(str(error)[:400])}",
        icon=":material/bug_report:",
    )
    with st.expander("Report to copy", icon=":material/content_copy:"):
        st.code(report(error), language=None, wrap_lines=True)


def report(error: Exception) -> str:
    """What a developer needs to find the mistake: versions and the place, no data."""
    versions = f"Workbench {__version__}, Python {platform.python_version()}"
    place = "".join(traceback.format_exception(error))
    return f"{versions}, Streamlit {st.__version__}, {platform.platform()}\n\n{place}"
