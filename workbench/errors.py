"""Every error that Workbench raises on purpose.

WorkbenchError
├── InputError             a value, file or option that cannot be used
│   ├── UnknownName        a dataset, model, column, job ... that does not exist
│   └── BadImage           one image that cannot be decoded, or is refused
├── WorkspaceError         the workspace as a whole cannot be used
│   ├── WorkspaceDamaged   a file is missing, truncated or altered
│   └── WorkspaceNewer     written by a newer version of Workbench
├── ModelError             a model cannot be loaded or used
│   └── MissingWeights     the weights are not on this machine
├── WorkerError            the worker does not answer, or a job failed
├── DiskFull               no room left for a file; nothing was changed
└── Cancelled              the person asked to stop
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BadImage",
    "Cancelled",
    "DiskFull",
    "InputError",
    "MissingWeights",
    "ModelError",
    "UnknownName",
    "WorkbenchError",
    "WorkerError",
    "WorkspaceDamaged",
    "WorkspaceError",
    "WorkspaceNewer",
]


class WorkbenchError(Exception):
    """An error that a person can act on: what went wrong, what was expected, what came, what to do.

    Args:
        what: one clause naming the item, e.g. ``"cat.jpg cannot be decoded"``.
        expected: what would have been right.
        got: what came instead.
        do: the next step, as a full sentence.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", do: str = "") -> None:
        self.what, self.expected, self.got, self.do = what, expected, got, do
        parts = [f"expected {expected}"] * bool(expected) + [f"got {got}"] * bool(got)
        sentence = f"{what}: {', '.join(parts)}." if parts else f"{what.rstrip('.')}."
        super().__init__(f"{sentence} {do}".strip())

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the four parts when the error crosses a process boundary."""
        state = {"expected": self.expected, "got": self.got, "do": self.do}
        return (_rebuild, (type(self), self.what, state))


def _rebuild(kind: type[WorkbenchError], what: str, state: dict[str, str]) -> WorkbenchError:
    error = kind.__new__(kind)
    WorkbenchError.__init__(error, what, **state)
    return error


class InputError(WorkbenchError):
    """A value, a file or an option cannot be used."""


class UnknownName(InputError):
    """A name does not exist; the message lists near misses.

    Args:
        noun: what was looked for, e.g. ``"dataset"``.
        name: the name that came.
        known: the names that exist.
        do: the next step, if one is more useful than picking a known name.
    """

    def __init__(self, noun: str, name: str, known: Iterable[str] = (), *, do: str = "") -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=5, cutoff=0.5) or names[:20]
        expected = f"one of {', '.join(near)}" if near else f"an existing {noun}"
        advice = do or (f"There is no {noun} yet." if not names else "")
        super().__init__(f"unknown {noun} {name!r}", expected=expected, got=repr(name), do=advice)


class BadImage(InputError):
    """One image cannot be decoded, or is refused (too large, decompression bomb)."""


class WorkspaceError(WorkbenchError):
    """The workspace as a whole cannot be used."""


class WorkspaceDamaged(WorkspaceError):
    """A file of the workspace is missing, truncated or altered."""


class WorkspaceNewer(WorkspaceError):
    """The workspace was written by a newer version of Workbench."""


class ModelError(WorkbenchError):
    """A model cannot be loaded, or cannot do what is asked."""


class MissingWeights(ModelError):
    """The weights of a model are not on this machine, and it is offline."""


class WorkerError(WorkbenchError):
    """The worker does not answer, or a job failed."""


class DiskFull(WorkbenchError):
    """No room left to write a file; the old state is untouched."""


class Cancelled(WorkbenchError):
    """The person asked to stop."""
