"""state.sqlite: one connection a thread, short write transactions, safe for many processes.

WAL lets readers and one writer work at once; a writer waits up to ten seconds for another. A
commit is synced to the disk (``synchronous=FULL``): a catalog row that survives a power cut is
what allows ``gc`` to delete the files that no row names. Heartbeats, which nothing rests on, skip
the sync (``durable=False``).
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from store.files import DRAFT_PREFIX, full_disk, sync_folder
from store.schema import APPLICATION_ID, MIGRATIONS
from workbench.errors import DiskFull, WorkspaceDamaged, WorkspaceError, WorkspaceNewer

__all__ = ["STATE", "Database", "create", "inspect"]

STATE = "state.sqlite"
_BUSY_SECONDS = 10.0
_MAGIC = b"SQLite format 3\x00"
_WRITE_FAILED = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)
"""What SQLite says of an exhausted quota or file-size limit."""

_BIG_TABLES = ("items",)
"""Not checked at every open: they may hold millions of rows. ``doctor`` checks them."""

_opened: weakref.WeakSet[Database] = weakref.WeakSet()
_guard = threading.Lock()
"""The databases of this process. To open one of their files by hand and close it would drop the
locks that SQLite holds on it for this process (POSIX gives one set of locks to a process, and
takes them away at the first close); another process would then delete the journal in use."""


class Database:
    """Connections to one state.sqlite.

    Args:
        path: the file; must exist (see ``create``).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._pid = os.getpid()
        with _guard:
            _opened.add(self)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one unchanging state until the block ends."""
        connection = self._connection()
        with _in_words(self.path):
            if connection.in_transaction:  # inside a write block of this thread
                yield connection
                return
            connection.execute("begin")
            try:
                yield connection
            finally:
                _rollback(connection)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start; committed when the block ends.

        Args:
            durable: wait until the disk has it.
        """
        connection = self._connection()
        with _in_words(self.path):
            if connection.in_transaction:  # one transaction for nested steps
                yield connection
                return
            connection.execute(f"pragma synchronous={'full' if durable else 'normal'}")
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                _rollback(connection)
                raise

    def all(self, sql: str, values: Any = ()) -> list[sqlite3.Row]:
        """Every row of one query."""
        with _in_words(self.path):
            return list(self._connection().execute(sql, values))

    def one(self, sql: str, values: Any = ()) -> sqlite3.Row | None:
        """The first row of one query, or None."""
        with _in_words(self.path):
            row: sqlite3.Row | None = self._connection().execute(sql, values).fetchone()
            return row

    def migrate(self) -> None:
        """Bring the schema to the newest version; every missing step in one transaction."""
        with self.write() as connection:
            _migrate(connection)

    def close(self) -> None:
        """Close the connections of every thread; a later call opens new ones."""
        with self._lock:
            for holder in list(self._open):
                holder.close()
            self._open.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            raise WorkspaceError(
                f"{self.path.parent} was opened before this process was forked",
                do="SQLite cannot be carried over a fork: start the process with spawn or exec, "
                "and open the workspace in it.",
            )
        holder: _Connection | None = getattr(self._local, "holder", None)
        if holder is None:
            with _in_words(self.path):
                holder = _Connection(self.path)
            self._local.holder = holder
            with self._lock:
                self._open.add(holder)
        return holder.connection


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say in words what SQLite says in codes."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = _code(error)
        if code == sqlite3.SQLITE_FULL or error.sqlite_errorcode in _WRITE_FAILED:
            raise DiskFull(
                f"no room left to write {path}",
                do="Free some space and try again; nothing was changed.",
            ) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise WorkspaceError(
                f"{path} is held by another process",
                expected=f"the lock within {_BUSY_SECONDS:.0f} s",
                got="none",
                do="Try again; if it persists, look for a stopped process that uses it.",
            ) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
            raise WorkspaceError(
                f"{path} cannot be used: {error}",
                do="Check that the folder exists and may be written.",
            ) from error
        raise
    except sqlite3.DatabaseError as error:
        if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(path, str(error)) from error
        raise


class _Connection:
    """A connection that closes itself when its thread ends, and knows its process."""

    def __init__(self, path: Path) -> None:
        self.pid = os.getpid()
        self.connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # `close` may run in another thread
        )
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma foreign_keys=on")

    def close(self) -> None:
        if self.pid == os.getpid():  # never close what a parent process still uses
            self.connection.close()

    def __del__(self) -> None:
        with suppress(AttributeError):  # the connection could not be opened
            self.close()


def create(root: Path) -> None:
    """Make state.sqlite: complete under a temporary name, then linked into place.

    Two processes may do so at once: the later one finds the file of the earlier and keeps it.
    """
    with full_disk(root):
        root.mkdir(parents=True, exist_ok=True)
        draft = root / f"{DRAFT_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{STATE}"
        draft.touch(mode=0o600)  # the file holds the token of the worker
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("pragma synchronous=off")  # synced once, before it is linked
                connection.execute("pragma journal_mode=memory")
                connection.execute(f"pragma application_id={APPLICATION_ID}")
                connection.execute("begin")
                _migrate(connection)
                connection.execute("commit")
                connection.execute("pragma journal_mode=wal")
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            _link(draft, root / STATE)
            sync_folder(root)
        finally:
            draft.unlink(missing_ok=True)


def _link(draft: Path, final: Path) -> None:
    try:
        os.link(draft, final)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not final.exists():
            draft.replace(final)


def inspect(path: Path) -> None:
    """Refuse a state.sqlite that is newer, foreign or damaged; changes nothing.

    Raises:
        WorkspaceDamaged: not a database, not a workspace, or it fails SQLite's quick check.
        WorkspaceNewer: its schema is newer than this version knows.
    """
    with _guard:
        if not any(_same(database.path, path) for database in list(_opened)):
            _check_head(path)
    with _in_words(path), closing(_read_only(path)) as connection:
        _refuse_newer(path, _version(connection))
        for (table,) in connection.execute("select name from sqlite_schema where type='table'"):
            if table not in _BIG_TABLES:
                _quick_check(path, connection, table)


def damaged(path: Path, why: str) -> WorkspaceDamaged:
    """The error for a state.sqlite that cannot be trusted."""
    return WorkspaceDamaged(
        f"{path} is damaged: {why}",
        do="Nothing was changed. Restore the file from a backup, or open another workspace "
        "folder and import again; images and models outside the workspace are not affected.",
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _same(known: Path, path: Path) -> bool:
    try:
        return known.samefile(path)
    except OSError:
        return False


def _check_head(path: Path) -> None:
    """Look at the file itself: opened by SQLite, a foreign database may be changed."""
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise damaged(path, "it is not a SQLite database")
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise damaged(path, "it is a SQLite database of another application")
    _refuse_newer(path, int.from_bytes(head[60:64], "big"))


def _read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)


def _refuse_newer(path: Path, version: int) -> None:
    if version > len(MIGRATIONS):
        raise WorkspaceNewer(
            f"{path.parent} was written by a newer version of Workbench",
            expected=f"schema {len(MIGRATIONS)} or older",
            got=f"schema {version}",
            do="Nothing was changed. Update Workbench, or open another workspace.",
        )


def _quick_check(path: Path, connection: sqlite3.Connection, table: str) -> None:
    name = table.replace('"', '""')
    (verdict,) = connection.execute(f'pragma quick_check("{name}")').fetchone()
    if verdict != "ok":
        raise damaged(path, verdict)


def _migrate(connection: sqlite3.Connection) -> None:
    done = _version(connection)
    for step in MIGRATIONS[done:]:
        for statement in _statements(step):
            connection.execute(statement)
    if done < len(MIGRATIONS):
        connection.execute(f"pragma user_version={len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one, so that all run in the caller's transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
