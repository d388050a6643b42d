"""Collections of captions that a person added: where they lie and which column holds them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from store.database import Database
from store.names import check_name
from workbench.errors import InputError, UnknownName

__all__ = ["Corpora"]


class Corpora:
    """Every collection of captions in files that one workspace knows.

    Args:
        database: its state.sqlite.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep a collection under a name.

        Args:
            name: as of a dataset.
            content: JSON-like: what is needed to read it again.

        Raises:
            InputError: the name is not allowed, or another collection has it.
        """
        check_name("corpus", name)
        text = json.dumps(dict(content), sort_keys=True, ensure_ascii=False)
        with self.database.write() as connection:
            row = connection.execute("select content from corpora where name=?", (name,)).fetchone()
            if row is not None and row["content"] != text:
                raise InputError(
                    f"corpus {name!r}",
                    expected="a name that is free",
                    got="one that another corpus has",
                    do="Choose another name, or remove that corpus first.",
                )
            connection.execute(
                "insert or ignore into corpora values (?, ?, ?)", (name, text, time.time())
            )

    def get(self, name: str) -> dict[str, Any]:
        """What is known of a collection.

        Raises:
            UnknownName: there is none.
        """
        row = self.database.one("select content from corpora where name=?", (name,))
        if row is None:
            raise UnknownName("corpus", name, list(self.names()))
        found: dict[str, Any] = json.loads(row["content"])
        return found

    def names(self) -> tuple[str, ...]:
        """Names of all collections, by name."""
        rows = self.database.all("select name from corpora order by name")
        return tuple(row["name"] for row in rows)

    def remove(self, name: str) -> None:
        """Forget a collection; its files and its counts stay. Nothing happens without it."""
        with self.database.write() as connection:
            connection.execute("delete from corpora where name=?", (name,))
