import pickle

import pytest
import torch
from safetensors.torch import save_file

from workbench.errors import InputError, ModelError
from workbench.gpu import checkpoint, registry
from workbench.gpu.source import resolve


@pytest.fixture
def model(tiny):
    return registry.build(resolve("", str(tiny)), "cpu")


class Harmful:
    """Unpickling it writes a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path):
    path, mark = tmp_path / "evil.pt", tmp_path / "mark"
    path.write_bytes(pickle.dumps({"a": Harmful(mark)}, protocol=2))
    with pytest.raises(
        ModelError, match=r"a pickle that would run code.*Convert it to safetensors"
    ):
        checkpoint.read(path)
    assert not mark.exists()


def test_a_zip_checkpoint_with_code_is_refused(tmp_path):
    torch.save({"a": Harmful(tmp_path / "mark")}, tmp_path / "evil.pt")
    with pytest.raises(ModelError, match="would run code"):
        checkpoint.read(tmp_path / "evil.pt")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_truncated_file_is_refused(tmp_path, keep, suffix):
    path = tmp_path / f"cut{suffix}"
    state = {"weight": torch.randn(50, 50)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(ModelError, match=rf"checkpoint cut{suffix}: expected a complete"):
        checkpoint.read(path)


def test_a_damaged_safetensors_header_is_refused(tmp_path):
    path = tmp_path / "bad.safetensors"
    save_file({"weight": torch.randn(5)}, path)
    data = bytearray(path.read_bytes())
    data[8:20] = b"x" * 12
    path.write_bytes(data)
    with pytest.raises(ModelError, match="complete safetensors file"):
        checkpoint.read(path)


def test_what_is_no_checkpoint_is_refused_by_its_name(tmp_path):
    with pytest.raises(InputError, match=r"ends in .safetensors"):
        checkpoint.read(tmp_path / "weights.onnx")
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="expected tensors by name, got none"):
        checkpoint.read(tmp_path / "list.pt")
    with pytest.raises(ModelError, match="expected a file that can be read"):
        checkpoint.read(tmp_path / "absent.safetensors")


def test_wrappers_and_prefixes_are_taken_off(tmp_path):
    weight = torch.arange(3.0)
    saved = {"epoch": 3, "state_dict": {"module.a": weight, "_orig_mod.b": weight}}
    torch.save(saved, tmp_path / "training.pt")
    assert sorted(checkpoint.read(tmp_path / "training.pt")) == ["a", "b"]


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_fill_gives_every_weight(tmp_path, model, suffix):
    path = tmp_path / f"weights{suffix}"
    state = {name: torch.randn(value.shape) for name, value in model.state_dict().items()}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    assert checkpoint.fill(model, path, "tiny") == []
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_half_precision_weights_are_widened(tmp_path, model):
    state = {name: torch.randn(value.shape) for name, value in model.state_dict().items()}
    save_file({name: value.half() for name, value in state.items()}, tmp_path / "h.safetensors")
    checkpoint.fill(model, tmp_path / "h.safetensors", "tiny")
    first = next(iter(model.parameters()))
    assert first.dtype == torch.float32
    assert torch.equal(first, next(iter(state.values())).half().float())


def test_another_architecture_is_named_by_its_tensors(tmp_path, model):
    state = dict(model.state_dict())
    state["text_projection"] = torch.zeros(64, 16)
    save_file(state, tmp_path / "w.safetensors")
    words = r"w.safetensors does not fit tiny: expected text_projection \(32, 16\), got \(64, 16\)"
    with pytest.raises(ModelError, match=words + r" \(1 shapes differ, 0 missing, 0 unknown\)"):
        checkpoint.fill(model, tmp_path / "w.safetensors", "tiny")


def test_missing_and_foreign_tensors_are_named(tmp_path, model):
    state = dict(model.state_dict())
    del state["logit_scale"]
    save_file({**state, "more": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"logit_scale \(\), got absent .*1 missing, 1 unknown"):
        checkpoint.fill(model, tmp_path / "w.safetensors", "tiny")


def test_a_file_of_another_kind_of_network_is_refused(tmp_path, model):
    save_file({"layer1.weight": torch.zeros(3, 3)}, tmp_path / "resnet.safetensors")
    with pytest.raises(ModelError, match=r"resnet.safetensors does not fit tiny"):
        checkpoint.fill(model, tmp_path / "resnet.safetensors", "tiny")


def test_position_embeddings_of_another_resolution_are_interpolated_and_said(tmp_path, model):
    state = dict(model.state_dict())
    smooth = torch.linspace(0, 1, 4).view(2, 2).repeat_interleave(32).view(4, 32)
    state["visual.positional_embedding"] = torch.cat([torch.ones(1, 32), smooth]).half()
    save_file(state, tmp_path / "small.safetensors")
    (note,) = checkpoint.fill(model, tmp_path / "small.safetensors", "tiny")
    assert note == "visual.positional_embedding was interpolated from (5, 32)."
    found = model.visual.positional_embedding
    assert found.shape == (17, 32)
    assert torch.allclose(found[0], torch.ones(32))
    assert found[1:].min() >= -0.2 and found[1:].max() <= 1.2


def test_write_converts_a_pickle_with_shared_storage(tmp_path):
    shared = torch.arange(6.0)
    torch.save({"a": shared[:3], "b": shared[3:], "c": shared}, tmp_path / "w.pt")
    checkpoint.write(tmp_path / "w.safetensors", tmp_path / "w.pt")
    found = checkpoint.read(tmp_path / "w.safetensors")
    assert found["b"].tolist() == [3, 4, 5] and found["c"].tolist() == [0, 1, 2, 3, 4, 5]
