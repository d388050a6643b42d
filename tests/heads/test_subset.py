from __future__ import annotations

import pytest

from workbench.errors import InputError
from workbench.heads.subset import chosen_classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("  ", [0, 1, 2, 3, 4, 5]),
        ("3", [3]),
        ("4, 0 - 2,1", [0, 1, 2, 4]),
    ],
)
def test_numbers_and_ranges(text: str, expected: list[int]) -> None:
    assert chosen_classes(text, 6).tolist() == expected


@pytest.mark.parametrize(
    "text", ["6", "0-6", "2-1", "a", "1,,2", "-1", "1-2-3", "١a", "0-999999999999"]
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="from 0 to 5"):
        chosen_classes(text, 6)
