"""Files appear whole or not at all, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from store import gc
from store.files import draft, full_disk
from store.workspace import Workspace
from workbench.errors import DiskFull


def everything(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond ``size`` bytes fail with EFBIG, as a full disk fails with ENOSPC."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_placed_file_is_named_by_its_content(tmp_path: Path) -> None:
    with draft(tmp_path, "vectors/a", "x.npy") as one:
        one.path.write_bytes(b"content")
        stored = one.place("vectors", "image-0-1", ".npy")
    digest = hashlib.blake2b(b"content", digest_size=16).hexdigest()
    assert stored.path == f"vectors/a/image-0-1-{digest}.npy"
    assert (stored.bytes, stored.digest, stored.kind) == (7, digest, "vectors")
    assert everything(tmp_path) == {stored.path}


def test_the_name_may_be_the_digest_alone(tmp_path: Path) -> None:
    with draft(tmp_path, "media") as one:
        stored = one.place("media", "", ".bin")
    assert stored.path == f"media/{stored.digest}.bin"


def test_a_draft_that_is_not_placed_vanishes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), draft(tmp_path, "tables") as one:
        one.path.write_bytes(b"half")
        1 / 0  # noqa: B018
    assert everything(tmp_path) == set()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        RuntimeError("write error in index.faiss: No space left on device"),
    ],
)
def test_no_space_left_is_said_in_words(tmp_path: Path, error: Exception) -> None:
    words = r"no room left to write in .*nothing was changed"
    with pytest.raises(DiskFull, match=words), full_disk(tmp_path):
        raise error


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_a_part_that_does_not_fit_changes_nothing(workspace: Workspace) -> None:
    before = everything(workspace.root)
    noise = np.random.default_rng(0).bytes(200_000).hex()
    items = pa.table({"item": ["a", "b"], "text": [noise, noise[::-1]]})
    with file_size_limit(100_000), pytest.raises(DiskFull, match="nothing was changed"):
        workspace.tables.append("birds", items)
    assert everything(workspace.root) == before
    assert workspace.catalog.dataset("birds").items == 0
    assert workspace.tables.append("birds", items).items == 2


def test_vectors_that_do_not_fit_change_nothing(workspace: Workspace) -> None:
    workspace.tables.append("birds", pa.table({"item": [str(i) for i in range(300)]}))
    before = everything(workspace.root)
    vectors = np.eye(300, 400, dtype=np.float32)
    with file_size_limit(100_000), pytest.raises(DiskFull):
        workspace.vectors.write("birds", "m", "image", 0, vectors)
    assert everything(workspace.root) == before
    assert workspace.vectors.missing("birds", "m", "image") == [(0, 300)]


def test_a_catalog_that_does_not_fit_changes_nothing(workspace: Workspace) -> None:
    size = (workspace.root / "state.sqlite").stat().st_size
    with file_size_limit(size + 50_000), pytest.raises(DiskFull):
        workspace.catalog.set_setting("large", "x" * 10_000_000)
    assert workspace.catalog.setting("large") is None
    workspace.catalog.set_setting("large", "fits")
    assert workspace.catalog.setting("large") == "fits"


def test_a_folder_that_a_cleaner_removes_meanwhile_is_made_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, tries = Path.open, []

    def racing(path: Path, *args: object, **kwargs: object) -> object:
        if path.name.startswith(".tmp-") and not tries:
            tries.append(path)
            shutil.rmtree(path.parent)
        return opened(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", racing)
    workspace.tables.append("birds", pa.table({"item": ["a"]}))
    assert workspace.catalog.dataset("birds").items == 1
    assert tries


def test_a_file_that_a_cleaner_takes_before_it_is_recorded_is_written_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one moment at which a finished file looks like an orphan."""
    from store import parts, vectors

    for module in (parts, vectors):
        recorded, collected = module.record_file, []

        def racing(*args: object, r: object = recorded, c: list[int] = collected, **kw: object):
            if not c:
                c.append(sum(path.unlink() is None for path in gc.orphans(workspace)))
            return r(*args, **kw)  # type: ignore[operator]

        monkeypatch.setattr(module, "record_file", racing)
        if module is parts:
            workspace.tables.append("birds", pa.table({"item": ["a", "b"]}))
        else:
            workspace.vectors.write("birds", "m", "image", 0, np.eye(2, 4, dtype=np.float32))
        assert collected == [1]
    assert workspace.tables.items("birds", columns=["item"]).to_pylist() == [
        {"item": "a"},
        {"item": "b"},
    ]
    assert workspace.vectors.take("birds", "m", "image", [1]).tolist() == [[0, 1, 0, 0]]
