"""How near a class's mean image is to that of another: worked out by hand."""

from __future__ import annotations

import math

import pytest

from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError


def test_mean_images_of_the_pets(tmp_path):
    """Sums of the images: cats (2.4, 1.4, 0), dogs (1.24, 2.24, 0), the fox (0, 0, 1)."""
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        found = bench._confusability(evaluate(bench))
        near = (2.4 * 1.24 + 1.4 * 2.24) / (math.hypot(2.4, 1.4) * math.hypot(1.24, 2.24))
        assert found == pytest.approx([near, near, 0], abs=1e-6)
        with pytest.raises(InputError, match="published"):
            bench._confusability("")
