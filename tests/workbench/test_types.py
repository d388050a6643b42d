"""What the frozen dataclasses refuse at birth."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.types import Hits, check_unit_rows


def test_unit_rows_pass_in_both_precisions() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 512)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    check_unit_rows(rows, "rows")
    check_unit_rows(rows.astype(np.float16), "rows")


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0, 0.0])
def test_the_first_bad_row_is_named(value: float) -> None:
    rows = np.eye(4, dtype=np.float32)
    rows[2] = value
    with pytest.raises(InputError, match="row 2"):
        check_unit_rows(rows, "image vectors")


def test_a_vector_is_no_matrix() -> None:
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        check_unit_rows(np.ones(3, np.float32), "v")


def test_hits_must_agree_in_shape() -> None:
    with pytest.raises(InputError):
        Hits(np.zeros((1, 2), np.int64), np.zeros((1, 3), np.float32), 5)
