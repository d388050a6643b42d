"""One process opens a workspace twice while another comes and goes: no write is lost."""

import subprocess
import sys

from store.workspace import Workspace
from workbench.settings import REPOSITORY

COME_AND_GO = """
import sys
from store.workspace import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    workspace.jobs.submit("x", {"from": "another"}, title="another")
    print(" ".join(sorted(job.title for job in workspace.jobs.list())))
"""


def another_process(root):
    found = subprocess.run(
        [sys.executable, "-c", COME_AND_GO, str(root)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def test_a_second_opening_keeps_the_locks_of_the_first(tmp_path):
    root = tmp_path / "space"
    with Workspace.open(root) as first:
        first.jobs.submit("x", {"n": 1}, title="before")
        with Workspace.open(root) as second:
            assert another_process(root) == "another before"
            assert (root / "state.sqlite-wal").exists()  # it was not the last to close
            first.jobs.submit("x", {"n": 2}, title="from-first")
            second.jobs.submit("x", {"n": 3}, title="from-second")
            titles = another_process(root).split()
    assert titles == ["another", "before", "from-first", "from-second"]
