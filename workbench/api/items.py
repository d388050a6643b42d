"""The items of a dataset: rows, pictures, counts, and what people said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from workbench.api.opened import Opened
from workbench.api.results import ItemDetail
from workbench.errors import InputError, UnknownName
from workbench.filters import Filter, Filters
from workbench.types import Column

if TYPE_CHECKING:
    import pyarrow as pa

    from store.report import DatasetReport

__all__ = ["Items", "shown_columns"]

_PLUMBING = ("row", "item", "uri", "offset", "length", "digest")

Sort = Sequence[tuple[str, Literal["asc", "desc"]]]


def shown_columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """An item's columns without those that only say where its bytes lie."""
    return {name: value for name, value in record.items() if name not in _PLUMBING}


class Items(Opened):
    """Questions about the rows of one dataset.

    ``where`` joins its conditions by AND; ``search`` is a case-insensitive part of any text
    column or caption.
    """

    def items(
        self,
        dataset: str,
        where: Filters = (),
        *,
        sort: Sort = (),
        limit: int | None = None,
        offset: int = 0,
        search: str = "",
    ) -> pa.Table:
        """The items that match, in import order unless sorted; one row an item, all columns."""
        return self.workspace.tables.items(
            dataset, where, sort=sort, limit=limit, offset=offset, search=search
        )

    def items_of(self, dataset: str, rows: Sequence[int]) -> pa.Table:
        """The items of these rows, in this order, as ``items`` gives them."""
        return self.workspace.tables.take(dataset, rows)

    def count(self, dataset: str, where: Filters = (), *, search: str = "") -> int:
        """How many items match."""
        return self.workspace.tables.count(dataset, where, search=search)

    def columns(self, dataset: str) -> tuple[Column, ...]:
        """The columns that can be filtered and sorted, with kind and number of distinct values."""
        return self.workspace.tables.columns(dataset)

    def facets(
        self, dataset: str, column: str, where: Filters = (), limit: int = 50
    ) -> list[tuple[Any, int]]:
        """(value, number of items) of the most frequent values of a column, most frequent first."""
        return self.workspace.tables.facets(dataset, column, where, limit=limit)

    def histogram(
        self, dataset: str, column: str, bins: int = 30, where: Filters = ()
    ) -> tuple[list[float], list[int]]:
        """``bins + 1`` edges and ``bins`` counts of a numeric column."""
        return self.workspace.tables.histogram(dataset, column, bins=bins, where=where)

    def report(self, dataset: str) -> DatasetReport:
        """Sizes, formats, labels, missing values, duplicates, captions an item, skipped files."""
        return self.workspace.tables.report(dataset)

    def skipped(self, dataset: str) -> pa.Table:
        """What the import refused: columns ``item`` and ``reason``."""
        return self.workspace.tables.skipped(dataset)

    def row_of(self, dataset: str, item: str | int) -> int:
        """Row of an item, given its id (or its row, which is checked).

        Raises:
            UnknownName: no item of the dataset has this id or row.
        """
        total = self.workspace.catalog.dataset(dataset).items
        if isinstance(item, int):
            if 0 <= item < total:
                return item
            raise InputError(f"row of {dataset!r}", expected=f"0 to {total - 1}", got=str(item))
        found = self.workspace.tables.rows(dataset, (Filter("item", "=", item),))
        if len(found) == 0:
            raise UnknownName("item", item, do=f"`workbench datasets show {dataset}` lists some.")
        return int(found[0])

    def item(self, dataset: str, item: str | int) -> ItemDetail:
        """Everything known of one item, given its id or its row."""
        row = self.row_of(dataset, item)
        record = self.workspace.tables.take(dataset, [row]).to_pylist()[0]
        texts = self.workspace.tables.captions_of(dataset, [row]).get(row, [])
        name = str(record["item"])
        columns = {**shown_columns(record), "uri": record["uri"], "digest": record["digest"]}
        return ItemDetail(
            dataset=dataset,
            row=row,
            item=name,
            columns=columns,
            captions=tuple(text for _, text in texts),
            caption_rows=tuple(caption for caption, _ in texts),
            note=self.note(dataset, name),
            tags=self.tags(dataset, name),
            has_image=record["uri"] is not None,
        )

    def image(self, dataset: str, row: int) -> bytes:
        """The bytes of an item's image file, as they were imported.

        Raises:
            InputError: the item has no image, or its file has gone; the message names it.
        """
        record = self.workspace.tables.take(dataset, [self.row_of(dataset, row)]).to_pylist()[0]
        if record["uri"] is None:
            raise InputError(f"item {record['item']!r} of {dataset!r} has no image")
        return self.workspace.read_image(record["uri"], record["offset"], record["length"])

    def thumbnail(self, dataset: str, row: int, size: int = 160) -> bytes:
        """A small WebP of an item, at most ``size`` pixels a side; made once, then cached."""
        return self.workspace.thumbs.get(dataset, row, size=size)

    def thumbnails(self, dataset: str, rows: Sequence[int], size: int = 160) -> list[bytes]:
        """``thumbnail`` of several items, with one look into the tables."""
        return self.workspace.thumbs.get_many(dataset, rows, size=size)

    def note(self, dataset: str, item: str) -> str:
        """What a person wrote of an item; empty when nothing."""
        return self.workspace.notes.note(dataset, item)

    def set_note(self, dataset: str, item: str, text: str) -> None:
        """Write a note on an item; an empty text removes it."""
        self.workspace.notes.set_note(dataset, item, text)

    def tags(self, dataset: str, item: str) -> tuple[str, ...]:
        """The tags of an item, in alphabetical order."""
        return tuple(sorted(self.workspace.notes.tags(dataset, item)))

    def add_tag(self, dataset: str, item: str, tag: str) -> None:
        """Tag an item; a tag it has already stays single."""
        self.workspace.notes.add_tag(dataset, item, tag)

    def remove_tag(self, dataset: str, item: str, tag: str) -> None:
        """Take a tag off an item; nothing happens when it has none such."""
        self.workspace.notes.remove_tag(dataset, item, tag)

    def all_tags(self, dataset: str) -> dict[str, int]:
        """How many items carry each tag."""
        return dict(self.workspace.notes.all_tags(dataset))
