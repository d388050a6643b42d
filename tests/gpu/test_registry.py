import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from tests.gpu.conftest import CPU
from tests.gpu.tiny import CONFIG, bundle, picture
from workbench.errors import InputError, MissingWeights, ModelError, UnknownName
from workbench.gpu import hub, registry
from workbench.gpu.gate import Gate
from workbench.gpu.source import resolve


@pytest.fixture
def offline(monkeypatch):
    """No network, and an empty cache of the hub."""
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    monkeypatch.setattr(hub, "cached", lambda place: None)


def describe(arch, weights, **options):
    return registry.describe(arch, weights, name="m", device=CPU, **options)


def test_every_tag_of_open_clip_is_known():
    assert registry.known() == open_clip.list_pretrained()
    assert ("ViT-B-32", "laion2b_s34b_b79k") in registry.known()


def test_a_tag_is_described_without_its_weights(offline):
    info = describe("ViT-B-32", "laion2b_s34b_b79k")
    assert (info.dim, info.context_length, info.image_size) == (512, 77, (224, 224))
    assert info.parameters == 151_277_313  # as open_clip's model_profile.csv has it
    assert info.state == "missing"
    assert "open_clip_model.safetensors of laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in info.note
    assert f"models/{info.key}/ in the workspace" in info.note
    assert info.preprocess["mean"] == pytest.approx([0.48145466, 0.4578275, 0.40821073])
    assert info.preprocess["resize_mode"] == "shortest"


def test_weights_trained_with_quickgelu_are_built_with_it(offline):
    openai = resolve("ViT-B-32", "openai")
    other = resolve("ViT-B-32", "laion2b_s34b_b79k")
    gelu = {name: type(module).__name__ for name, module in _built(openai).named_modules()}
    assert gelu["visual.transformer.resblocks.0.mlp.gelu"] == "QuickGELU"
    gelu = {name: type(module).__name__ for name, module in _built(other).named_modules()}
    assert gelu["visual.transformer.resblocks.0.mlp.gelu"] == "GELU"


def _built(source):
    return registry.build(source, "meta")


def test_loading_absent_weights_names_the_file_and_both_ways_to_get_it(offline, tmp_path):
    info = describe("ViT-B-32", "laion2b_s34b_b79k")
    with pytest.raises(MissingWeights) as caught:
        registry.load(info, CPU, tmp_path, Gate())
    assert "WORKBENCH_OFFLINE is set" in str(caught.value)
    assert "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in caught.value.do
    assert f"models/{info.key}/" in caught.value.do


def test_weights_put_by_hand_are_found(offline, tmp_path):
    info = describe("RN50", "openai")
    folder = tmp_path / "models" / info.key
    folder.mkdir(parents=True)
    (folder / "open_clip_model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match=r"open_clip_model.safetensors: expected a complete"):
        registry.load(info, CPU, tmp_path, Gate())


def test_a_failed_download_says_why(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "cached", lambda place: None)

    def fail(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    info = describe("ViT-B-32", "openai")
    assert info.state == "unchecked"
    with pytest.raises(MissingWeights, match=r"the download failed \(ConnectionError: no route"):
        registry.load(info, CPU, tmp_path, Gate())


def test_unknown_names_suggest_known_ones(offline):
    with pytest.raises(UnknownName, match="ViT-B-32"):
        describe("ViT-B-23", "openai")
    with pytest.raises(UnknownName, match="laion2b_s34b_b79k"):
        describe("ViT-B-32", "laion2b")
    with pytest.raises(InputError, match="random:SEED"):
        describe("ViT-B-32", "random:x")
    with pytest.raises(MissingWeights, match=r"open_clip_config.json of org/name"):
        describe("", "hf-hub:org/name")


def test_a_model_that_needs_transformers_says_so(monkeypatch, offline):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="expected the Python package transformers"):
        describe("ViT-B-16-SigLIP", "webli")


def test_a_bundle_records_everything(tmp_path):
    folder = bundle(tmp_path / "siglip-like", bias=-10.0)
    info = describe("", str(folder))
    assert (info.arch, info.dim, info.image_size) == ("siglip-like", 16, (32, 32))
    assert info.logit_bias == -10.0
    assert info.logit_scale == pytest.approx(1 / 0.07)
    assert info.tokenizer["name"] == "bpe_merges.txt.gz" and info.tokenizer["context_length"] == 12
    assert info.state == "ready" and len(info.weights_sha256) == 64
    assert json.loads(json.dumps(info.preprocess)) == info.preprocess


def test_the_key_follows_weights_preprocessing_tokenizer_and_precision(tmp_path, tiny):
    base = describe("", str(tiny))
    assert describe("", str(shutil.copytree(tiny, tmp_path / "copy"))).key == base.key
    assert describe("", str(tiny), precision="bf16").key != base.key
    assert describe("", str(bundle(tmp_path / "other", seed=1))).key != base.key
    for file in ("open_clip_config.json", "bpe_merges.txt.gz"):
        folder = shutil.copytree(tiny, tmp_path / file)
        if file.endswith("json"):
            text = (folder / file).read_text().replace("0.3]", "0.31]")
            (folder / file).write_text(text)
        else:
            (folder / file).unlink()
            config = json.loads((folder / "open_clip_config.json").read_text())
            assert resolve("", str(folder)).key("fp32") != base.key, config
            continue
        assert describe("", str(folder)).key != base.key


def test_a_folder_without_config_or_weights_is_refused(tmp_path, tiny):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"open_clip_config.json in it"):
        describe("", str(tmp_path / "empty"))
    folder = shutil.copytree(tiny, tmp_path / "bare")
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(MissingWeights, match="has no weights"):
        describe("", str(folder))
    (folder / "open_clip_config.json").write_text('{"model_cfg": {"embed_dim": 3}}')
    with pytest.raises(InputError, match="vision_cfg"):
        describe("", str(folder))


def test_a_bundle_that_lost_its_tokenizer_is_refused(tmp_path, tiny):
    folder = shutil.copytree(tiny, tmp_path / "lost")
    (folder / "bpe_merges.txt.gz").unlink()
    with pytest.raises(ModelError, match=r"bpe_merges.txt.gz .* of 520 words, got .* of 49,408"):
        describe("", str(folder))


def test_random_weights_follow_their_seed(monkeypatch):
    small = json.loads(json.dumps(CONFIG))
    del small["text_cfg"]["vocab_size"]  # then it is that of CLIP's tokenizer
    monkeypatch.setattr(open_clip, "list_models", lambda: ["tiny"])
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: json.loads(json.dumps(small)))
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", small)
    batch = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(1, 32, 32, 3)
    found = []
    for seed in ("random:0", "random:0", "random:1"):
        torch.manual_seed(99)
        info = describe("tiny", seed)
        encoder, _ = registry.load(info, CPU, Path(), Gate())
        found.append(encoder.encode_images(batch))
    assert np.array_equal(found[0], found[1]) and not np.allclose(found[0], found[2])
    assert "tests only" in info.note


def test_load_refuses_weights_that_changed(tiny):
    info = replace(describe("", str(tiny)), weights_sha256="0" * 64)
    with pytest.raises(ModelError, match="changed since they were first loaded"):
        registry.load(info, CPU, tiny.parent, Gate())


def test_load_refuses_a_definition_that_changed(tiny):
    info = replace(describe("", str(tiny)), key="0123456789ab")
    with pytest.raises(ModelError, match="is not what was registered"):
        registry.load(info, CPU, tiny.parent, Gate())


def test_an_encoder_equals_open_clip(tiny, encoder):
    """Images and texts through open_clip's own recipe for a bundle folder."""
    name = f"local-dir:{tiny}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    tokens = open_clip.get_tokenizer(name, bpe_path=str(tiny / "bpe_merges.txt.gz"))
    model.eval()
    texts = ["a red apple", "", "Ünïcode, and more words than the context can ever hold " * 3]
    images = [picture(seed, size) for seed, size in enumerate([(40, 30), (30, 50), (32, 32)])]
    pixels = [Image.open(io.BytesIO(data)).convert("RGB") for data in images]
    with torch.inference_mode():
        wanted_images = model.encode_image(
            torch.stack([preprocess(image) for image in pixels]), normalize=True
        ).numpy()
        wanted_texts = model.encode_text(tokens(texts), normalize=True).numpy()
    batch = np.stack([encoder.preprocess.decode(data) for data in images])
    assert np.abs(encoder.encode_images(batch) - wanted_images).max() < 1e-6
    assert np.abs(encoder.encode_texts(texts) - wanted_texts).max() < 1e-6
    assert encoder.info.logit_scale == pytest.approx(math.exp(model.logit_scale.item()))
