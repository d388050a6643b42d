"""Text of unknown origin made literal where Streamlit expects Markdown.

Captions, file names, column names and labels come from a person's files. Where possible they are
shown by ``st.text``, a table or our own components, which take text as text. Labels of buttons,
chips and headings are Markdown, so what goes into them passes through here.
"""

from __future__ import annotations

import re

__all__ = ["plain", "short"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$^=&\"'/@%])")
_JOINER = "\u2060"


def plain(text: object) -> str:
    """Markdown source that shows ``text`` literally, on one line.

    Every character with a meaning in Markdown is escaped. A colon cannot be: icons and emoji
    (``:material/home:``) are replaced after unescaping, so an invisible word joiner follows it.
    """
    line = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", line).replace(":", f":{_JOINER}")


def short(text: object, limit: int = 60) -> str:
    """The text on one line, cut at ``limit`` characters with an ellipsis; not escaped."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
