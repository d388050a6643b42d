"""A workspace: one folder with everything Workbench knows; opened by any number of processes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from store import database
from store.catalog import Catalog
from store.corpora import Corpora
from store.database import STATE, Database
from store.files import DRAFT_PREFIX
from store.jobs import Jobs
from store.notes import Notes
from store.predictions import Predictions
from store.runs import Runs
from store.sets import Sets
from store.sources import read_image
from store.tables import Tables
from store.thumbs import Thumbs
from store.vectors import Vectors
from store.verdicts import Verdicts
from store.workers import Workers
from workbench.errors import InputError, WorkspaceDamaged

if TYPE_CHECKING:
    from store.index import Indexes

__all__ = ["FOLDERS", "Workspace"]

FOLDERS = (
    "tables",
    "vectors",
    "indexes",
    "media",
    "thumbs",
    "models",
    "runs",
    "logs",
    "run",
    "reports",
    "training",
)
"""Folders of a workspace; each is made when it is first needed."""


class Workspace:
    """The parts of one workspace. Safe to share between threads.

    Args:
        root: absolute path of the folder, already checked: use ``Workspace.open``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / STATE)
        self.catalog = Catalog(root, self.database)
        self.tables = Tables(root, self.catalog)
        self.vectors = Vectors(root, self.catalog)
        self.jobs = Jobs(root, self.database)
        self.workers = Workers(self.database)
        self.notes = Notes(self.catalog)
        self.runs = Runs(root, self.database)
        self.sets = Sets(self.database)
        self.corpora = Corpora(self.database)
        self.verdicts = Verdicts(self.catalog)
        self.predictions = Predictions(self.runs, self.tables)
        self.thumbs = Thumbs(root, self.tables)

    @classmethod
    def open(cls, root: Path | str, *, create: bool = True) -> Self:
        """Open a workspace folder.

        Args:
            root: the folder.
            create: make it when it does not exist or is empty.

        Raises:
            InputError: no workspace is there and ``create`` is False, or the folder holds
                something else.
            WorkspaceNewer: written by a newer version; nothing is changed.
            WorkspaceDamaged: its state.sqlite is missing, foreign or damaged; nothing is changed.
            DiskFull: no room to create it.
        """
        folder = Path(root).expanduser().absolute()
        if not (folder / STATE).exists():
            _refuse_other_folder(folder, create=create)
            database.create(folder)
        database.inspect(folder / STATE)
        workspace = cls(folder.resolve())
        workspace.database.migrate()
        return workspace

    @cached_property
    def indexes(self) -> Indexes:
        """FAISS indexes, and exact search without one."""
        from store.index import Indexes

        return Indexes(self)

    def read_image(self, uri: str, offset: int = 0, length: int = -1) -> bytes:
        """The bytes of one image: see ``store.sources.read_image``."""
        return read_image(self.root, uri, offset, length)

    def close(self) -> None:
        """Close every connection of this process; the folder stays usable for others."""
        self.tables.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_other_folder(folder: Path, *, create: bool) -> None:
    """Refuse to turn a folder with other content, or an emptied workspace, into a new one."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"workspace {folder}", expected="a folder", got="a file")
    found = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    found = [name for name in found if not name.startswith(DRAFT_PREFIX)]
    if any(name in ("tables", "vectors") for name in found) and set(found) <= set(FOLDERS):
        raise WorkspaceDamaged(
            f"{folder / STATE} is missing from a workspace",
            do="Nothing was changed. Restore the file from a backup, or open another folder.",
        )
    if found:
        got = ", ".join(found[:5]) + (" ..." if len(found) > 5 else "")
        raise InputError(
            f"{folder} is no workspace",
            expected="an empty or new folder" if create else "a folder with state.sqlite",
            got=f"a folder with {got}",
            do="Choose another folder for the workspace.",
        )
    if not create:
        raise InputError(f"workspace {folder}", expected="an existing workspace", got="none there")
