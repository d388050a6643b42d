"""Records what the routers of a LIMoE decide about the tokens of images and texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.errors import ModelError
from workbench.experts.records import IMAGE, TEXT
from workbench.experts.tokens import Tokens, sort_key
from workbench.gpu.encoder import Encoder
from workbench.gpu.forward import out_of_memory
from workbench.gpu.limoe.model import Limoe, Routed
from workbench.gpu.loading import threads
from workbench.gpu.preprocess import Pixels

__all__ = ["Input", "Recorder", "Vocabulary", "in_order", "tokens_of"]

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Input:
    """One item on its way through the model.

    Args:
        row: of the item.
        pixels: of its image, preprocessed; None for no image.
        text: its caption; None for no text.
    """

    row: int
    pixels: Pixels | None
    text: str | None


class Vocabulary:
    """What a tokenizer's numbers stand for, to be read by people.

    A piece that does not end its word has a ``·`` behind it; the mark at the end of a text is
    ``⟨end⟩``. Safe between threads.

    Args:
        tokenizer: open_clip's.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def words(self, numbers: NDArray[np.int64]) -> tuple[str, ...]:
        """The word of each number."""
        return tuple(self._word(number) for number in numbers.tolist())

    def _word(self, number: int) -> str:
        if number not in self._known:
            self._known[number] = self._read(number)
        return self._known[number]

    def _read(self, number: int) -> str:
        tokenizer = self._tokenizer
        inner = getattr(tokenizer, "tokenizer", None)
        if inner is not None:  # a Hugging Face tokenizer
            return str(inner.decode([number])) or str(inner.convert_ids_to_tokens(number))
        if number == tokenizer.eot_token_id:
            return "⟨end⟩"
        piece = str(tokenizer.decoder.get(number, f"token {number}"))
        whole = piece.endswith("</w>")
        known = tokenizer.byte_decoder
        letters = bytes(known[c] for c in piece.removesuffix("</w>") if c in known)
        return letters.decode("utf-8", errors="replace") + ("" if whole else "·")


class Recorder:
    """Passes groups of inputs through a LIMoE and keeps what its routers decide.

    Args:
        encoder: of a LIMoE.
        factor: capacity factor; None drops nothing.
        check: called while waiting; raises when the job shall stop.

    Raises:
        ModelError: the model has no routers.
    """

    def __init__(
        self,
        encoder: Encoder,
        factor: float | None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        model = encoder.model
        if not isinstance(model, Limoe) or not model.mixtures():
            raise ModelError(
                f"model {encoder.info.name} has no routers",
                expected="a mixture of experts (LIMoE)",
                got=encoder.info.arch,
            )
        self.encoder, self.factor, self._check = encoder, factor, check
        self.model: Limoe = model
        self.layers = tuple(model.mixtures())
        self.vocabulary = Vocabulary(encoder.tokenizer)

    def record(self, inputs: Sequence[Input]) -> Tokens | None:
        """The routing of a group, whose tokens compete for room; None for no token at all.

        Args:
            inputs: distinct items, by row.

        Raises:
            ModelError: the group needs more memory than the device has.
        """
        try:
            with self.encoder.gate.background(self._check):
                routed, ids = self._through(inputs)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise ModelError(
                f"a batch of {len(inputs)} items finds no memory",
                expected="room for one batch on the device",
                got=str(error).split("\n", maxsplit=1)[0][:200],
                do="Record with a smaller batch.",
            ) from error
        if not routed:
            return None
        rows = [
            np.array([each.row for each in inputs if each.pixels is not None], np.int64),
            np.array([each.row for each in inputs if each.text is not None], np.int64),
        ]
        return tokens_of(routed, rows, ids, self.vocabulary)

    def _through(self, inputs: Sequence[Input]) -> tuple[list[Routed], NDArray[np.int64]]:
        """What the mixtures decided; and the numbers of the texts' tokens, (b, S)."""
        pixels = [each.pixels for each in inputs if each.pixels is not None]
        texts = [each.text for each in inputs if each.text is not None]
        model, encoder = self.model, self.encoder
        ids = np.zeros((0, 0), np.int64)
        with torch.inference_mode(), encoder.casting():
            streams = []
            if pixels:
                batch = encoder.sent(torch.from_numpy(np.stack(pixels)))
                streams.append(model.image_stream(encoder.preprocess.normalise(batch)))
            if texts:
                numbers = encoder.tokenizer(texts)
                ids = numbers[:, 1:].numpy()  # the start mark is no token
                streams.append(model.text_stream(encoder.sent(numbers)))
            return (model.through(streams, self.factor)[1] if streams else []), ids


def tokens_of(
    routed: Sequence[Routed],
    rows: Sequence[NDArray[np.int64]],
    ids: NDArray[np.int64],
    vocabulary: Vocabulary,
) -> Tokens:
    """What mixtures decided about one group, as sorted arrays on the host.

    Args:
        routed: of each mixture.
        rows: of the images, and of the texts, in the order of their sequences.
        ids: (b, S), numbers of the texts' tokens.
        vocabulary: names them.
    """
    row, modality, position, word = [], [], [], []
    words, codes = _coded(ids, vocabulary)
    for each in routed:
        which, sequence = _host(each.modality), _host(each.sequence)
        place = _host(each.position)
        of_text = which == TEXT
        found = np.empty(len(which), np.int64)
        said = np.full(len(which), -1, np.int64)
        found[~of_text] = rows[IMAGE][sequence[~of_text]]
        found[of_text] = rows[TEXT][sequence[of_text]]
        said[of_text] = codes[sequence[of_text], place[of_text]]
        row.append(found)
        modality.append(which)
        position.append(place)
        word.append(said)
    sizes = [len(each) for each in row]
    layer = np.repeat([each.layer for each in routed], sizes)
    one = [np.concatenate(parts) for parts in (row, modality, position, word)]
    order = np.argsort(sort_key(one[0], one[1], layer, one[2]))
    decided = [each.routing for each in routed]
    return Tokens(
        row=one[0][order].astype(np.int32),
        modality=one[1][order].astype(np.int8),
        layer=layer[order].astype(np.int16),
        position=one[2][order].astype(np.int16),
        word=one[3][order].astype(np.int32),
        words=words,
        experts=_joined([each.experts.short() for each in decided])[order],
        gates=_joined([each.gates.half() for each in decided])[order],
        kept=_joined([each.kept for each in decided])[order],
        probs=_joined([each.probs.half() for each in decided])[order],
    )


def _coded(
    ids: NDArray[np.int64], vocabulary: Vocabulary
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The distinct words of a group, and for each of its tokens the place of its word."""
    numbers, places = np.unique(ids, return_inverse=True)
    words = vocabulary.words(numbers)
    distinct = {word: place for place, word in enumerate(dict.fromkeys(words))}
    codes = np.array([distinct[word] for word in words], np.int64)
    return tuple(distinct), codes[places].reshape(ids.shape) if len(codes) else ids


def _joined(parts: Sequence[Tensor]) -> NDArray[Any]:
    return _host(torch.cat(list(parts)))


def _host(tensor: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = tensor.cpu().numpy()
    return found


def in_order(
    given: Iterable[Given], make: Callable[[Given], Made], *, lanes: int | None = None
) -> Iterator[Made]:
    """What is made of each thing, in the order given, by a pool of threads.

    Each thread computes on a single core: whole batches side by side are faster on a processor
    than one batch divided among its cores, see ``Lanes``.

    Args:
        given: read two things a thread ahead.
        make: runs in the threads.
        lanes: threads; one a core when None.
    """
    count = lanes or threads()
    things = iter(given)
    pending: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(
        count, thread_name_prefix="route", initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        try:
            while True:
                for thing in islice(things, 2 * count - len(pending)):
                    pending.append(pool.submit(make, thing))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
