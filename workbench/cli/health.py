"""`workbench doctor`, `gc` and `duckdb`: is everything there, and what can go."""

from __future__ import annotations

from argparse import Namespace

from workbench.cli.options import Commands, command, opened
from workbench.cli.output import human_bytes, show, table

__all__ = ["add"]

_DOCTOR = """\
  workbench doctor
  workbench doctor --quick --json

compares every file with the catalog: missing, truncated, altered, orphaned, source gone. Says
what to do and changes nothing. Exit status 1 when something is damaged; files that only take up
space (left by deletions and by runs that were killed) are listed too, with status 0."""

_GC = """\
  workbench gc
  workbench gc --delete

lists files that nothing names any more (deleted datasets, runs that were killed); --delete
removes them."""

_DUCKDB = """\
  workbench duckdb
  workbench duckdb ~/workspace.duckdb && duckdb ~/workspace.duckdb

the file holds only views over the Parquet tables, so it may be opened while the app runs."""


def add(commands: Commands) -> None:
    """Add the three commands."""
    parser = command(commands, "doctor", "Check every file against the catalog.", _DOCTOR)
    parser.add_argument("--quick", action="store_true", help="existence and size only")
    parser.set_defaults(run=run_doctor)
    parser = command(commands, "gc", "List or remove files that nothing names.", _GC)
    parser.add_argument("--delete", action="store_true", help="remove them")
    parser.set_defaults(run=run_gc)
    parser = command(commands, "duckdb", "Write a DuckDB file of views.", _DUCKDB)
    parser.add_argument("path", nargs="?", metavar="FILE", help="default: in the workspace")
    parser.set_defaults(run=run_duckdb)


def run_doctor(args: Namespace) -> int:
    """Check; 1 when something is damaged."""
    with opened(args, create=False) as bench:
        found = bench.doctor(deep=not args.quick)
    rows = [vars(finding) for finding in found]
    damage = [finding for finding in found if not finding.harmless]
    lines = table(rows, ["kind", "path", "what", "do"]) if rows else "All is well."
    show(args, found, lines)
    return 1 if damage else 0


def run_gc(args: Namespace) -> int:
    """List orphans, or remove them."""
    with opened(args, create=False) as bench:
        paths, size = bench.gc(dry_run=not args.delete)
    verb = "removed" if args.delete else "could go"
    lines = [*paths, f"{len(paths)} files, {human_bytes(size)} {verb}"]
    show(args, {"paths": paths, "bytes": size, "deleted": args.delete}, lines)
    return 0


def run_duckdb(args: Namespace) -> int:
    """Write the file of views."""
    with opened(args, create=False) as bench:
        path = bench.duckdb_file(args.path or bench.root / "workspace.duckdb")
    show(args, {"path": str(path)}, str(path))
    return 0
