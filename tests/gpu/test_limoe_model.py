import json

import pytest
import torch

from workbench.errors import InputError, ModelError
from workbench.gpu import checkpoint
from workbench.gpu.limoe.config import CONFIGS, LimoeConfig, every, last
from workbench.gpu.limoe.model import IMAGE, TEXT, Limoe, word_mask

SMALL = LimoeConfig(
    image_size=16,
    patch_size=4,
    context_length=8,
    vocab_size=50,
    width=16,
    layers=4,
    heads=2,
    hidden=24,
    embed_dim=12,
    experts=4,
)
END = 49


def made(config=SMALL, seed=0):
    torch.manual_seed(seed)
    model = Limoe(config).eval()
    with torch.no_grad():
        for mixture in model.mixtures().values():
            mixture.router.weight.mul_(40)
    return model


def words(*lengths):
    tokens = torch.zeros(len(lengths), 8, dtype=torch.int64)
    for row, length in enumerate(lengths):
        tokens[row, 0] = 48
        tokens[row, 1 : length + 1] = torch.arange(row + 1, row + length + 1)
        tokens[row, length + 1] = END
    return tokens


def test_vectors_have_the_shape_of_the_space_and_follow_the_batch_row_by_row():
    model, pixels = made(), torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        images = model.encode_image(pixels, normalize=True)
        texts = model.encode_text(words(2, 5, 3), normalize=True)
        assert images.shape == (5, 12)
        assert texts.shape == (3, 12)
        assert torch.allclose(images.norm(dim=1), torch.ones(5))
        for row in range(5):
            assert torch.allclose(
                model.encode_image(pixels[row : row + 1], True), images[row], atol=1e-5
            )
        image, text, routed = model(pixels[:3], words(2, 5, 3))
    assert torch.allclose(image, images[:3], atol=1e-5)
    assert torch.allclose(text, texts, atol=1e-5)
    assert [each.layer for each in routed] == [1, 3]


def test_padding_is_no_token_and_changes_nothing():
    model = made()
    short, long = words(2), words(2)
    long[0, 4:] = torch.tensor([7, 9, 11, 13])  # what stands after the end mark is not read
    with torch.no_grad():
        assert torch.allclose(model.encode_text(short), model.encode_text(long), atol=1e-6)
        _, _, routed = model(torch.randn(1, 3, 16, 16), short)
    for each in routed:
        assert int((each.modality == IMAGE).sum()) == 16
        assert int((each.modality == TEXT).sum()) == 3  # two words and the end mark
        assert each.position[each.modality == TEXT].tolist() == [0, 1, 2]


def test_tokens_of_a_group_are_named_by_sequence_and_position():
    with torch.no_grad():
        _, _, routed = made()(torch.randn(2, 3, 16, 16), words(1, 3))
    each = routed[0]
    texts = each.modality == TEXT
    assert each.sequence[texts].tolist() == [0, 0, 1, 1, 1, 1]
    assert each.sequence[~texts].tolist() == [0] * 16 + [1] * 16
    assert each.position[~texts].tolist() == [*range(16)] * 2


def test_patches_are_cut_row_by_row():
    model = made()
    pixels = torch.zeros(1, 3, 16, 16)
    pixels[0, :, 4:8, 8:12] = 1.0  # second row, third column: patch 6 of a grid of 4
    with torch.no_grad():
        blank = model.image_stream(torch.zeros(1, 3, 16, 16)).tokens
        seen = model.image_stream(pixels).tokens
    assert (seen - blank).abs().sum(dim=2)[0].nonzero().flatten().tolist() == [6]


def test_text_does_not_see_images_but_competes_with_them_for_room():
    model, pixels, tokens = made(), torch.randn(4, 3, 16, 16), words(2, 5, 3, 1)
    with torch.no_grad():
        _, free, _ = model(pixels, tokens)
        _, again, _ = model(torch.randn(4, 3, 16, 16), tokens)
        assert torch.allclose(free, again, atol=1e-5)
        _, _, routed = model(pixels, tokens, 0.5)
    rooms = [-(-len(each.modality) // 8) for each in routed]
    for each, room in zip(routed, rooms, strict=True):
        used = torch.bincount(each.routing.experts[each.routing.kept], minlength=4)
        assert int(used.max()) <= room
        assert not each.routing.kept.all()


def test_only_the_patches_asked_for_are_seen():
    places = torch.tensor([[0, 5, 9], [1, 2, 15]])
    with torch.no_grad():
        image, _, routed = made()(torch.randn(2, 3, 16, 16), words(1, 1), patches=places)
    assert image.shape == (2, 12)
    assert int((routed[0].modality == IMAGE).sum()) == 6


def test_without_mixtures_it_is_dense_and_costs_the_same_per_token():
    dense = made(LimoeConfig(**{**vars(SMALL), "moe_layers": ()}))
    with torch.no_grad():
        _, _, routed = dense(torch.randn(1, 3, 16, 16), words(1))
    assert routed == []
    assert dense.mixtures() == {}
    one = made().mixtures()[1]
    passed = [one.up[0], one.up_bias[0], one.down[0], one.down_bias[0]]
    plain = dense.blocks[1].mlp.parameters()
    assert sum(each.numel() for each in passed) == sum(each.numel() for each in plain)


def test_a_modality_bias_is_one_vector_a_modality():
    model = made(LimoeConfig(**{**vars(SMALL), "modality_bias": True}))
    assert model.modality_bias.shape == (2, 16)
    with torch.no_grad():
        before = model.image_stream(torch.zeros(1, 3, 16, 16)).tokens
        model.modality_bias[IMAGE] += 1
        after = model.image_stream(torch.zeros(1, 3, 16, 16)).tokens
    assert torch.allclose(after - before, torch.ones_like(before))


def test_the_largest_configuration_has_the_published_size():
    with torch.device("meta"):
        model = Limoe(CONFIGS["limoe-H-14"])
    every_weight = sum(weight.numel() for weight in model.parameters())
    experts = sum(
        weight.numel()
        for name, weight in model.named_parameters()
        if ".mlp.up" in name or ".mlp.down" in name
        if len(weight.shape) > 1 and weight.shape[0] == 32
    )
    assert every_weight == pytest.approx(5.6e9, rel=0.02)
    assert every_weight - experts * 31 / 32 == pytest.approx(675e6, rel=0.06)


def test_every_configuration_can_be_built():
    for name, config in CONFIGS.items():
        with torch.device("meta"):
            assert tuple(Limoe(config).mixtures()) == config.moe_layers, name
        assert LimoeConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_where_mixtures_stand():
    assert every(8, 2) == (1, 3, 5, 7)
    assert every(8, 0) == ()
    assert every(7, 3) == (2, 5)
    assert last(12, 2) == (9, 11)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"image_size": 30}, "multiple of 8"),
        ({"heads": 3}, "multiple of 3 heads"),
        ({"top_k": 9}, "1 to 8"),
        ({"moe_layers": (3, 1)}, "rising"),
        ({"moe_layers": (4,)}, "below 4"),
        ({"capacity_factor": 0}, "more than 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        LimoeConfig(**wrong)


def test_an_unknown_name_of_a_configuration_is_refused():
    with pytest.raises(InputError, match="depth"):
        LimoeConfig.from_json({"depth": 4})


def test_the_end_mark_ends_a_text():
    assert word_mask(words(2)[:, 1:]).tolist() == [[True] * 3 + [False] * 4]


def test_a_checkpoint_of_other_sizes_is_refused_by_tensor_and_shape(tmp_path):
    from safetensors.torch import save_file

    save_file(made().state_dict(), tmp_path / "model.safetensors")
    other = made(LimoeConfig(**{**vars(SMALL), "experts": 6}))
    with pytest.raises(ModelError, match=r"blocks\.1\.mlp\.up \(6, 24, 16\).*\(4, 24, 16\)"):
        checkpoint.fill_exactly(other, tmp_path / "model.safetensors", "tiny")
    again = made(seed=1)
    assert checkpoint.fill_exactly(again, tmp_path / "model.safetensors", "tiny") == []
    for name, value in made().state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
