"""Routers of the mixtures that ``transformers`` ships, by the name of their class.

Read in transformers 5.24. The class is asked by name, so nothing of it is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.experts.layer_records import Flags
from workbench.gpu.attach.readings import Adapter, from_dense, from_tuple

__all__ = ["FAMILIES", "SPLIT", "Split"]

_SIGMOID = Flags(score="sigmoid", bias_selected=True)

FAMILIES = {
    "MixtralTopKRouter": Adapter("Mixtral", from_tuple()),
    "OlmoeTopKRouter": Adapter("OLMoE", from_tuple()),
    "Qwen2MoeTopKRouter": Adapter("Qwen2-MoE", from_tuple()),
    "Qwen3MoeTopKRouter": Adapter("Qwen3-MoE", from_tuple()),
    "Qwen3VLMoeTextTopKRouter": Adapter("Qwen3-VL-MoE", from_tuple()),
    "Qwen3OmniMoeThinkerTextTopKRouter": Adapter("Qwen3-Omni", from_tuple()),
    "SwitchTransformersTop1Router": Adapter(
        "Switch", from_dense(1, mask=0, weights=1, logits=2), Flags(dropless=False)
    ),
    # the router's decision: the block of transformers 5.24 then runs experts 0 and 1 only, which
    # read its mask of zeros and ones as numbers of experts (experts 2 and up can be zeroed: nothing
    # changes)
    "NllbMoeTop2Router": Adapter(
        "NLLB-MoE", from_dense(2, mask=1, logits=2), Flags(dropless=False)
    ),
    "DeepseekV2TopkRouter": Adapter("DeepSeek-V2", from_tuple()),
    "DeepseekOcr2TextTopkRouter": Adapter("DeepSeek-OCR2", from_tuple()),
    "DeepseekV3TopkRouter": Adapter("DeepSeek-V3", from_tuple(score="sigmoid"), _SIGMOID),
    "Glm4vMoeTextTopkRouter": Adapter("GLM-4.5V", from_tuple(score="sigmoid"), _SIGMOID),
    "AriaTextTopKRouter": Adapter("Aria", from_tuple(), Flags(score="softmax of chosen")),
    "Llama4Router": Adapter(
        "Llama 4",
        from_dense("top_k", mask=0, logits=1, score="sigmoid", dropless=True),
        Flags(score="sigmoid"),
    ),
    # a dense MLP runs beside the experts of each block, on the same tokens
    "Gemma4TextRouter": Adapter("Gemma 4", from_tuple(probabilities=True), Flags(shared=True)),
    "Ernie4_5_VLMoeMoeTopKRouter": Adapter("ERNIE-4.5-VL", from_tuple(), Flags(bias_selected=True)),
}
"""Class of the router -> how to read it."""


@dataclass(frozen=True)
class Split:
    """A block whose tokens go to one of two routers, by their modality.

    The routers' experts are told apart by numbers: those of the first router, then those of the
    second.

    Args:
        argument: place of the mask among the arguments of the block; True goes to the second.
        keyword: its name.
        routers: paths inside the block, of the first and of the second router.
    """

    argument: int
    keyword: str
    routers: tuple[str, str]


SPLIT = {
    "Ernie4_5_VLMoeMoeBlock": Split(
        1, "moe_mm_token_type_ids", ("text_moe.gate", "vision_moe.gate")
    ),
}
"""Class of the block -> how it divides its tokens."""
