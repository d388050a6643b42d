from __future__ import annotations

import pytest

from store.index_plan import FLAT_ROWS, gigabytes, ivf_cells, plan
from workbench.errors import InputError

GB = 10**9


@pytest.mark.parametrize(
    ("rows", "dim", "memory", "kind"),
    [
        (1, 512, 8 * GB, "flat float16"),
        (1_000_000, 512, 24 * GB, "flat float16"),
        (FLAT_ROWS, 1024, 24 * GB, "flat float16"),
        (FLAT_ROWS + 1, 512, 24 * GB, "IVF4096 float16"),
        (5_000_000, 512, 24 * GB, "IVF16384 float16"),
        (5_000_000, 768, 8 * GB, "none"),
        (1_000_000, 1024, 2 * GB, "none"),
    ],
)
def test_rows_and_memory_choose_the_kind(rows: int, dim: int, memory: int, kind: str) -> None:
    chosen = plan(rows, dim, memory)
    assert chosen.kind == kind
    assert chosen.bytes <= memory / 2
    assert f"{rows:,} vectors of {dim} numbers" in chosen.reason
    assert (chosen.bytes == 0) == (kind == "none")


def test_a_cell_holds_a_few_hundred_vectors() -> None:
    for rows in (1, 500, 10_000, 2_000_000, 50_000_000):
        cells = ivf_cells(rows)
        assert cells & (cells - 1) == 0
        assert cells == 1 or 280 < rows / cells < 570


def test_sizes_are_written_for_people() -> None:
    sizes = {0: "0 KB", 3: "1 KB", 999_000: "999 KB", 1_024_000_000: "1.0 GB"}
    sizes |= {10_240_000: "10 MB", 1_500_000: "1.5 MB", 24 * GB: "24 GB"}
    assert {size: gigabytes(size) for size in sizes} == sizes


def test_nothing_cannot_be_planned() -> None:
    with pytest.raises(InputError, match="vectors"):
        plan(0, 512, GB)
