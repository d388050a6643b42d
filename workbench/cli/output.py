"""What commands print: JSON for programs, aligned text for people; results on stdout only."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["clean", "human_bytes", "human_time", "jsonable", "say", "show", "table"]


def jsonable(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses become objects, NaN and infinity become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: jsonable(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(entry) for entry in value]
    return _scalar(value.item() if isinstance(value, np.generic) else value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def clean(text: object) -> str:
    """Text that cannot steer a terminal: captions and file names come from strangers."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned columns under a heading; cells are cut to fit the terminal."""
    cells = [[clean(_cell(row.get(name))) for name in columns] for row in rows]
    lines = [list(columns), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    room = shutil.get_terminal_size((120, 24)).columns
    while sum(widths) + 2 * len(widths) > room and max(widths) > 12:
        widths[widths.index(max(widths))] -= 1
    return "\n".join(
        "  ".join(
            cell[:width].ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def show(args: Namespace, answer: Any, lines: str | Iterable[str]) -> None:
    """Print the answer: as JSON under ``--json``, else the lines made for people."""
    if args.json:
        print(json.dumps(jsonable(answer), ensure_ascii=False, indent=2, allow_nan=False))
        return
    print(lines if isinstance(lines, str) else "\n".join(lines))


def say(text: str) -> None:
    """A remark for the person, on stderr, so that stdout holds the answer alone."""
    print(clean(text), file=sys.stderr, flush=True)


def human_bytes(count: float) -> str:
    """Bytes with a unit, e.g. ``3.1 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def human_time(seconds: float) -> str:
    """Seconds as ``42 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
