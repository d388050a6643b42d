"""The `workbench` command: every question of the app, asked in a terminal or a script."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from workbench import __version__
from workbench.cli import (
    count,
    data,
    embed,
    evaluate,
    experts,
    health,
    jobs,
    models,
    search,
    tail,
    train,
    worker,
)
from workbench.cli.following import Interrupted, JobFailed
from workbench.cli.output import say
from workbench.errors import (
    Cancelled,
    DiskFull,
    WorkbenchError,
    WorkerError,
)

__all__ = ["build_parser", "main"]

_EPILOG = """\
first steps:
  workbench search "a red apple" --dataset test --model glyph-clip
      a new workspace starts with a small sample world, so this works at once
  workbench import ~/photos --dataset photos --preview
      look at what an import would bring, then run it without --preview
  workbench models register vit-b-32 --arch ViT-B-32 --weights laion2b_s34b_b79k
  workbench embed --dataset photos --model vit-b-32
  workbench search "a dog on a beach" --dataset photos --model vit-b-32 --json

long work runs in a worker process that goes on when this command ends; `workbench jobs` lists it.

exit status:
  0    all went well
  1    a job failed, was refused or cancelled; doctor found damage; the disk is full
  2    the question cannot be answered as asked: bad option, unknown name, unusable file or model
  3    no worker could be started or reached
  130  interrupted with Ctrl-C

The workspace is --workspace DIR, else $WORKBENCH_WORKSPACE, else ./workspace.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each command's module adds its own part."""
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="Search, embed and evaluate image collections with CLIP-like models.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    parser.set_defaults(workspace=None, json=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asking = (search, evaluate, count, tail, experts)
    for module in (data, models, embed, train, *asking, jobs, worker, health):
        module.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Results go to stdout, everything else to stderr."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except Interrupted:
        return 130
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    except BrokenPipeError:
        # the reader (`| head`) has gone; keep Python from complaining once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except WorkbenchError as error:
        say(f"workbench: {error}")
        return _status(error)


def _status(error: WorkbenchError) -> int:
    if isinstance(error, WorkerError):
        return 3
    return 1 if isinstance(error, (Cancelled, DiskFull, JobFailed)) else 2
