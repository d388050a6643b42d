"""`workbench models`: which models can embed and answer."""

from __future__ import annotations

from argparse import Namespace

from workbench.cli.options import Commands, command, group, opened
from workbench.cli.output import show, table
from workbench.types import ModelInfo

__all__ = ["add"]

_EXAMPLES = """\
  workbench models
  workbench models known ViT-B-32
  workbench models register vit-b-32 --arch ViT-B-32 --weights laion2b_s34b_b79k
  workbench models register mine --arch ViT-B-32 --weights ~/checkpoints/epoch_32.pt
  workbench models register so400m --weights hf-hub:timm/ViT-SO400M-14-SigLIP
  workbench models remove mine

without a network, weights that are missing are named with the place to put them."""


def add(commands: Commands) -> None:
    """Add the command group."""
    parser, actions = group(commands, "models", "List, register and remove models.", _EXAMPLES)
    parser.set_defaults(run=run_list)
    command(actions, "list", "List the registered models.", _EXAMPLES).set_defaults(run=run_list)
    sub = command(actions, "known", "List what open_clip knows by name.", _EXAMPLES)
    sub.add_argument("pattern", nargs="?", default="", metavar="PART", help="part of the name")
    sub.set_defaults(run=run_known)
    sub = command(actions, "register", "Register a model under a name.", _EXAMPLES)
    sub.add_argument("name", metavar="NAME", help="what to call it here")
    sub.add_argument("--arch", default="", help="open_clip architecture, e.g. ViT-B-32")
    sub.add_argument(
        "--weights",
        required=True,
        help="pretrained tag, hf-hub:ORG/NAME, a .safetensors or .pt file, a bundle folder, or "
        "random:SEED",
    )
    sub.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    sub.set_defaults(run=run_register)
    sub = command(actions, "remove", "Take a model and its vectors out.", _EXAMPLES)
    sub.add_argument("name", metavar="NAME")
    sub.set_defaults(run=run_remove)


def run_list(args: Namespace) -> int:
    """List the registered models."""
    with opened(args) as bench:
        found = bench.models()
    names = ["name", "arch", "weights", "dim", "parameters", "precision", "state", "key"]
    lines = table([vars(info) for info in found], names) if found else "No model is registered."
    show(args, found, lines)
    return 0


def run_known(args: Namespace) -> int:
    """List open_clip's architectures and tags."""
    part = args.pattern.lower()
    with opened(args) as bench:
        bench.wait_worker()
        pairs = [pair for pair in bench.known_models() if part in " ".join(pair).lower()]
    rows = [{"arch": arch, "weights": tag} for arch, tag in pairs]
    show(args, rows, table(rows, ["arch", "weights"]) if rows else "None has this in its name.")
    return 0


def run_register(args: Namespace) -> int:
    """Register a model; the worker reads it."""
    with opened(args) as bench:
        bench.wait_worker()
        info = bench.register_model(args.name, args.arch, args.weights, args.precision)
    show(args, info, _lines(info))
    return 0


def _lines(info: ModelInfo) -> list[str]:
    kind = "softmax" if info.logit_bias is None else "sigmoid"
    lines = [
        f"{info.name}: {info.arch}, {info.parameters:,} parameters, {info.dim} dimensions, "
        f"{info.image_size[0]}x{info.image_size[1]} pixels, {info.context_length} tokens, {kind}, "
        f"{info.precision}",
        f"state: {info.state}" + (f" ({info.note})" if info.note else ""),
    ]
    return [*lines, f"Next: `workbench embed --dataset NAME --model {info.name}`"]


def run_remove(args: Namespace) -> int:
    """Remove a model from the catalog."""
    with opened(args) as bench:
        bench.remove_model(bench.model(args.name).name)
    lines = f"{args.name} is gone; `workbench gc --delete` frees its files."
    show(args, {"removed": args.name}, lines)
    return 0
