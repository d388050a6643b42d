"""What a person says of an item: a note, and tags."""

from __future__ import annotations

import time

import numpy as np

from store.catalog import Catalog
from workbench.errors import InputError
from workbench.types import Rows

__all__ = ["Notes"]

_LONGEST_TAG = 64


class Notes:
    """Notes and tags, kept by dataset name and item id, so that they survive a new import.

    Args:
        catalog: of the workspace.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.database = catalog, catalog.database

    def note(self, dataset: str, item: str) -> str:
        """The note on an item; empty when there is none."""
        row = self.database.one(
            "select text from notes where dataset=? and item=?", (dataset, item)
        )
        return "" if row is None else str(row["text"])

    def set_note(self, dataset: str, item: str, text: str) -> None:
        """Replace the note on an item; an empty text removes it.

        Raises:
            UnknownName: no such dataset.
        """
        self.catalog.identity(dataset)
        with self.database.write() as connection:
            if text.strip():
                connection.execute(
                    "insert into notes values (?, ?, ?, ?) on conflict (dataset, item) "
                    "do update set text=excluded.text, changed=excluded.changed",
                    (dataset, item, text, time.time()),
                )
            else:
                connection.execute("delete from notes where dataset=? and item=?", (dataset, item))

    def notes(self, dataset: str) -> dict[str, str]:
        """Every note of a dataset: item id -> text."""
        rows = self.database.all(
            "select item, text from notes where dataset=? order by item", (dataset,)
        )
        return {row["item"]: row["text"] for row in rows}

    def noted(self, dataset: str, words: str) -> Rows:
        """Rows whose note, or note on a verdict, holds all of the words: int64, ascending.

        Upper and lower case are alike in every script, and a part of a word is enough. Without
        words, every item with a note.

        Raises:
            UnknownName: no such dataset.
        """
        number, _ = self.catalog.identity(dataset)
        found = self.database.all(
            "select i.row, said.text from (select dataset, item, text from notes union all "
            "select dataset, item, note from verdicts where note<>'') said "
            "join items i on i.dataset=? and i.item=said.item where said.dataset=? order by i.row",
            (number, dataset),
        )
        wanted = words.casefold().split()
        texts = ((row["row"], row["text"].casefold()) for row in found)
        rows = [row for row, text in texts if all(word in text for word in wanted)]
        return np.unique(np.array(rows, dtype=np.int64))

    def tags(self, dataset: str, item: str) -> tuple[str, ...]:
        """The tags of an item, in alphabetical order."""
        rows = self.database.all(
            "select tag from tags where dataset=? and item=? order by tag", (dataset, item)
        )
        return tuple(row["tag"] for row in rows)

    def add_tag(self, dataset: str, item: str, tag: str) -> None:
        """Tag an item; a tag it has already stays single.

        Raises:
            InputError: the tag is empty or longer than 64 characters.
            UnknownName: no such dataset.
        """
        name = tag.strip()
        if not 0 < len(name) <= _LONGEST_TAG:
            raise InputError("tag", expected=f"1 to {_LONGEST_TAG} characters", got=repr(tag[:80]))
        self.catalog.identity(dataset)
        with self.database.write() as connection:
            connection.execute(
                "insert or ignore into tags values (?, ?, ?, ?)", (dataset, name, item, time.time())
            )

    def remove_tag(self, dataset: str, item: str, tag: str) -> None:
        """Take a tag off an item; nothing happens when it has none such."""
        with self.database.write() as connection:
            connection.execute(
                "delete from tags where dataset=? and tag=? and item=?",
                (dataset, tag.strip(), item),
            )

    def all_tags(self, dataset: str) -> dict[str, int]:
        """How many items carry each tag, most used first."""
        rows = self.database.all(
            "select tag, count(*) as n from tags where dataset=? group by tag order by n desc, tag",
            (dataset,),
        )
        return {row["tag"]: int(row["n"]) for row in rows}

    def tagged(self, dataset: str, tag: str) -> Rows:
        """Rows of the dataset's items that carry the tag: int64, ascending.

        Raises:
            UnknownName: no such dataset.
        """
        number, _ = self.catalog.identity(dataset)
        rows = self.database.all(
            "select i.row from tags t join items i on i.dataset=? and i.item=t.item "
            "where t.dataset=? and t.tag=? order by i.row",
            (number, dataset, tag.strip()),
        )
        return np.array([row["row"] for row in rows], dtype=np.int64)
