"""Is every file of the workspace what the catalog says, and what can be thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.api.opened import Opened

if TYPE_CHECKING:
    from store.doctor import Finding

__all__ = ["Health"]


class Health(Opened):
    """Checks and cleaning."""

    def doctor(self, deep: bool = True) -> tuple[Finding, ...]:
        """What is wrong with the workspace's files: empty when all is well. Changes nothing.

        Args:
            deep: read every file and compare its checksum; otherwise only existence and size.
        """
        from store.doctor import check

        return check(self.workspace, deep=deep)

    def gc(self, dry_run: bool = True) -> tuple[tuple[str, ...], int]:
        """Files that nothing in the catalog names: (their paths, bytes); removed unless dry run."""
        from store import gc

        paths = gc.orphans(self.workspace)
        names = tuple(str(path) for path in paths)
        if dry_run:
            return names, sum(path.stat().st_size for path in paths if path.is_file())
        return names, gc.collect(self.workspace)

    def duckdb_file(self, path: str | Path) -> Path:
        """Write a DuckDB file with one view a table, for the DuckDB shell; returns its path."""
        target = Path(path).expanduser().resolve()
        self.workspace.tables.duckdb_file(target)
        return target
