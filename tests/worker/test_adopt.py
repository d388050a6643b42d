import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from store import doctor, gc
from tests.worker.embed_world import with_model
from workbench.errors import DiskFull, InputError, ModelError
from workbench.gpu.device import Device
from workbench.worker import adopt
from workbench.worker.adopt import register
from workbench.worker.models import Models

CPU = Device("cpu", "cpu")


def test_a_bundle_is_copied_and_works_without_its_origin(space, tiny, tmp_path):
    origin = shutil.copytree(tiny, tmp_path / "origin")
    info = register(space, CPU, "", str(origin), "mine", "auto")
    shutil.rmtree(origin)
    assert info.weights == f"models/{info.key}"
    assert space.catalog.model("mine") == info
    models = Models(space, "cpu")
    models.prepare()
    assert models.get("mine").encode_texts(["a red apple"]).shape == (1, 16)
    assert models.names() == ("mine",)
    assert doctor.check(space) == () and gc.orphans(space) == ()


def test_a_workspace_can_move_with_its_models(space, tiny, tmp_path):
    from store.workspace import Workspace

    register(space, CPU, "", str(tiny), "mine", "auto")
    space.close()
    moved = shutil.move(space.root, tmp_path / "elsewhere")
    with Workspace.open(moved) as opened:
        models = Models(opened, "cpu")
        models.prepare()
        assert models.get("mine").info.name == "mine"


def test_a_pickled_checkpoint_is_kept_as_safetensors(space, tiny, tmp_path, monkeypatch):
    import open_clip

    config = json.loads((tiny / "open_clip_config.json").read_text())["model_cfg"]
    del config["text_cfg"]["vocab_size"]
    monkeypatch.setattr(open_clip, "list_models", lambda: ["small"])
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: json.loads(json.dumps(config)))
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small", config)
    state = {f"module.{k}": v for k, v in open_clip.CLIP(**config).state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "trained.pt")
    info = register(space, CPU, "small", str(tmp_path / "trained.pt"), "mine", "fp32")
    kept = load_file(space.catalog.model_folder(info.key) / "open_clip_model.safetensors")
    assert torch.equal(kept["text_projection"], state["module.text_projection"])
    monkeypatch.undo()  # the architecture's name is not needed any more
    models = Models(space, "cpu")
    models.prepare()
    assert models.get("mine").encode_texts(["x"]).shape == (1, 16)


def test_registering_twice_changes_nothing(space, tiny):
    first = register(space, CPU, "", str(tiny), "mine", "auto")
    assert register(space, CPU, "", str(tiny), "mine", "auto") == first


def test_one_model_has_one_name_and_one_name_one_model(space, tiny, tmp_path):
    from tests.gpu.tiny import bundle

    register(space, CPU, "", str(tiny), "mine", "auto")
    with pytest.raises(InputError, match="registered as 'mine'"):
        register(space, CPU, "", str(tiny), "yours", "auto")
    with pytest.raises(InputError, match="a name that no other model has"):
        register(space, CPU, "", str(bundle(tmp_path / "b", seed=5)), "mine", "auto")
    with pytest.raises(InputError, match="model name"):
        register(space, CPU, "", str(tiny), "../mine", "auto")


def test_a_checkpoint_that_does_not_fit_leaves_nothing(space, tiny, tmp_path):
    wrong = shutil.copytree(tiny, tmp_path / "wrong")
    save_file({"a": torch.zeros(1)}, wrong / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match="does not fit wrong"):
        register(space, CPU, "", str(wrong), "mine", "auto")
    assert space.catalog.models() == () and not (space.root / "models").exists()


def test_a_full_disk_leaves_no_model(space, tiny, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adopt.shutil, "copyfile", full)
    with pytest.raises(DiskFull, match="no room left"):
        register(space, CPU, "", str(tiny), "mine", "auto")
    assert space.catalog.models() == () and gc.orphans(space) == ()


def test_what_only_weights_tell_is_recorded_at_the_first_load(space, tiny):
    from dataclasses import replace

    models = with_model(space, tiny)
    known = space.catalog.model("tiny")
    space.catalog.add_model(replace(known, state="unchecked", logit_scale=1.0, weights_sha256=""))
    models.get("tiny")
    assert space.catalog.model("tiny") == known
