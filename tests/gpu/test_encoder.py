import io

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from tests.gpu.tiny import picture
from workbench.errors import InputError, ModelError
from workbench.gpu import device
from workbench.gpu.preprocess import Preprocess


def test_vectors_are_float32_of_unit_length(encoder):
    random = np.random.default_rng(0)
    batch = random.integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
    for vectors in (encoder.encode_images(batch), encoder.encode_texts(["a", "b", "c", "d", "e"])):
        assert vectors.shape == (5, 16) and vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode_texts([]).shape == (0, 16)


def test_a_batch_equals_its_single_items(encoder):
    batch = np.stack([encoder.preprocess.decode(picture(seed)) for seed in range(4)])
    one_by_one = np.concatenate([encoder.encode_images(image[None]) for image in batch])
    assert np.abs(encoder.encode_images(batch) - one_by_one).max() < 1e-6


def test_token_counts_count_what_would_be_cut(encoder):
    # "apple" and "red" are single tokens of the tiny vocabulary, "a" is one byte; two marks
    assert encoder.token_counts(["", "red apple", "a red apple"]) == [2, 4, 5]
    assert encoder.token_counts(["red " * 30])[0] == 32 > encoder.info.context_length


def test_values_that_are_not_finite_are_an_error(encoder):
    with pytest.raises(ModelError, match=r"not finite in fp32.*--precision fp32"):
        encoder.finish(torch.full((1, 16), float("nan")))


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(90, 60), (31, 70), (32, 32), (8, 8)])
def test_pixels_equal_open_clip_to_the_bit(mode, interpolation, size):
    config = {
        "size": 32,
        "mode": "RGB",
        "mean": [0.48, 0.45, 0.4],
        "std": [0.26, 0.27, 0.28],
        "interpolation": interpolation,
        "resize_mode": mode,
        "fill_color": 7,
    }
    image = Image.open(io.BytesIO(picture(3, size))).convert("RGB")
    tuples = {
        key: tuple(value) if isinstance(value, list) else value for key, value in config.items()
    }
    wanted = image_transform_v2(PreprocessCfg(**tuples), is_train=False)(image)
    preprocess = Preprocess(config)
    found = preprocess.normalise(torch.from_numpy(preprocess(image)[None].copy()))[0]
    assert torch.equal(found, wanted)


def test_a_large_jpeg_decoded_small_keeps_its_direction(encoder):
    """The shortcut of decoding a JPEG at a reduced size may not move a vector."""
    data = picture(5, (1024, 768), "JPEG")
    full = encoder.preprocess(Image.open(io.BytesIO(data)).convert("RGB"))
    pair = np.stack([encoder.preprocess.decode(data), full])
    first, second = encoder.encode_images(pair)
    assert float(first @ second) > 0.9995


def test_precision_is_chosen_by_the_device():
    cpu = device.Device("cpu", "cpu")
    assert device.precision_for(cpu) == "fp32"
    assert device.precision_for(cpu, "bf16") == "bf16"
    with pytest.raises(InputError, match="auto, fp32, bf16, fp16"):
        device.precision_for(cpu, "int8")


def test_a_gpu_that_is_asked_for_and_absent_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.pick("auto").name == "cpu"
    assert not device.gpu_present()
    with pytest.raises(InputError, match="a device that torch finds"):
        device.pick("cuda")
    with pytest.raises(InputError, match="auto, cpu, cuda or mps"):
        device.pick("tpu")


def test_memory_of_the_cpu_is_that_of_the_process():
    used, total = device.memory(device.Device("cpu", "cpu"))
    assert 0 < used < total


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_a_gpu_vectors_agree_with_the_cpu(tiny, encoder):
    from workbench.gpu import registry
    from workbench.gpu.gate import Gate

    cuda = device.pick("cuda")
    info = registry.describe("", str(tiny), name="tiny", device=cuda)
    assert info.precision in ("bf16", "fp16")
    there, _ = registry.load(info, cuda, tiny.parent, Gate())
    batch = np.stack([encoder.preprocess.decode(picture(seed)) for seed in range(8)])
    texts = ["a red apple", "a", "red"]
    assert (there.encode_images(batch) * encoder.encode_images(batch)).sum(1).min() > 0.995
    with there.query():
        assert (there.encode_texts(texts) * encoder.encode_texts(texts)).sum(1).min() > 0.995
    used, total = device.memory(cuda)
    assert 0 < used < total and "cuda:0 " in cuda.title
