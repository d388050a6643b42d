"""Class sets and prompt sets that a workspace knows, each under the hash of what is in it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Literal

from store.database import Database
from workbench.errors import InputError, UnknownName

__all__ = ["SetKind", "Sets"]

SetKind = Literal["classes", "prompts"]
_LONGEST_NAME = 200


class Sets:
    """Every class set and prompt set of one workspace.

    Args:
        database: its state.sqlite.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, kind: SetKind, key: str, name: str, content: Mapping[str, Any]) -> None:
        """Keep a set; one that is there under this key gets the new name.

        Args:
            kind: ``classes`` or ``prompts``.
            key: hash of the content.
            name: shown to people; need not be unique.
            content: JSON-like.

        Raises:
            InputError: an empty or endless name.
        """
        name = " ".join(name.split())
        if not name or len(name) > _LONGEST_NAME:
            expected = f"a name of 1 to {_LONGEST_NAME} characters"
            raise InputError(f"name of the {kind}", expected=expected, got=f"{len(name)}")
        with self.database.write() as connection:
            connection.execute(
                "insert into sets values (?, ?, ?, ?, ?) on conflict (kind, key) "
                "do update set name=excluded.name",
                (key, kind, name, json.dumps(dict(content), ensure_ascii=False), time.time()),
            )

    def get(self, kind: SetKind, key: str) -> dict[str, Any]:
        """The content of a set.

        Raises:
            UnknownName: there is none.
        """
        row = self.database.one("select content from sets where kind=? and key=?", (kind, key))
        if row is None:
            raise UnknownName(f"set of {kind}", key, [known for known, _ in self.list(kind)])
        found: dict[str, Any] = json.loads(row["content"])
        return found

    def name(self, kind: SetKind, key: str) -> str:
        """The name of a set; its key when it is not known."""
        row = self.database.one("select name from sets where kind=? and key=?", (kind, key))
        return key if row is None else str(row["name"])

    def list(self, kind: SetKind) -> tuple[tuple[str, str], ...]:
        """(key, name) of every set of a kind, newest first."""
        rows = self.database.all(
            "select key, name from sets where kind=? order by created desc, key", (kind,)
        )
        return tuple((row["key"], row["name"]) for row in rows)
