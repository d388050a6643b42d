"""Starts workers in no time: a process that has torch imported forks one for each line it reads.

Run as ``python tests/faults/forking.py WORKSPACE``; prints the process number of each worker.
Nothing of torch, gRPC or DuckDB runs before the fork, only their import.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from store.workspace import Workspace
from workbench.gpu import registry
from workbench.worker import embed_job, routing_job, train_job
from workbench.worker.loop import Worker

SECONDS_AN_ITEM = 0.004  # or a kill would seldom find the job under way
SHARD_SECONDS = 0.1


def work(root: str) -> None:
    """Be a worker; published shards are small and items slow, all else is as ever."""
    embed_job.SHARD_SECONDS = routing_job.SHARD_SECONDS = SHARD_SECONDS
    train_job.CHECKPOINT_SECONDS = SHARD_SECONDS
    recorded = routing_job._Recording._pixels
    pixels, texts = embed_job._Embedding._pixels, embed_job._Embedding._start_texts

    def slow_pixels(self, load):
        time.sleep(SECONDS_AN_ITEM)
        return pixels(self, load)

    def slow_texts(self, items):
        time.sleep(SECONDS_AN_ITEM * len(items))
        return texts(self, items)

    def slow_recorded(self, recorder, load):
        time.sleep(SECONDS_AN_ITEM)
        return recorded(self, recorder, load)

    routing_job._Recording._pixels = slow_recorded
    embed_job._Embedding._pixels = slow_pixels
    embed_job._Embedding._start_texts = slow_texts
    with Workspace.open(root) as workspace:
        worker = Worker(workspace, device="cpu")
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run()


def main() -> None:
    """Fork a worker for each line of input, until it ends."""
    registry.known()  # imports open_clip
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave no zombies
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(sys.argv[1])
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
