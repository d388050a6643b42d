"""Singulars against a list made by hand, and the forms as the exact inverse."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.longtail.lemmas import forms, lemma

BY_HAND = """
cats cat|dogs dog|apples apple|houses house|mice mouse|dormice dormouse|pumice pumice|men man
women woman|firemen fireman|specimen specimen|specimens specimen|children child
grandchildren grandchild|feet foot|teeth tooth|geese goose|mongooses mongoose|oxen ox|lice louse
wolves wolf|werewolves werewolf|knives knife|wives wife|lives life|olives olive|leaves leaf
loaves loaf|shelves shelf|bookshelves bookshelf|elves elf|gloves glove|waves wave|doves dove
sleeves sleeve|stoves stove|scarves scarf|roofs roof|giraffes giraffe|berries berry
strawberries strawberry|cities city|flies fly|butterflies butterfly|skies sky|pies pie|ties tie
cookies cookie|movies movie|magpies magpie|series series|species species|boxes box|foxes fox
axes axe|churches church|benches bench|watches watch|headaches headache|avalanches avalanche
dishes dish|brushes brush|ashes ash|glasses glass|glass glass|dresses dress|dress dress
crevasses crevasse|buses bus|bus bus|minibuses minibus|octopuses octopus|octopi octopus
cactuses cactus|cacti cactus|cactus cactus|walruses walrus|blouses blouse|causes cause|uses use
warehouses warehouse|roses rose|noses nose|vases vase|suitcases suitcase|gases gas|gas gas
atlases atlas|lenses lens|lens lens|horses horse|purses purse|irises iris|iris iris
trellises trellis|tortoises tortoise|potatoes potato|tomatoes tomato|volcanoes volcano
mosquitoes mosquito|shoes shoe|horseshoes horseshoe|toes toe|canoes canoe|photos photo
pianos piano|kangaroos kangaroo|rhinoceros rhinoceros|rhinoceroses rhinoceros|pandas panda
sofas sofa|christmas christmas|kiwis kiwi|taxis taxi|skis ski|menus menu|emus emu|tennis tennis
prizes prize|mazes maze|breezes breeze|buzzes buzz|quizzes quiz|waltzes waltz|keys key|toys toy
monkeys monkey|trees tree|bees bee|eggs egg|tvs tv|as as|is is|was was|his his|yes yes
scissors scissors|jeans jeans|news news|fungi fungus|bacteria bacterium|larvae larva
phenomena phenomenon|criteria criterion|crises crisis|oases oasis|analyses analysis
chateaux chateau|plateaus plateau|indices index|vertices vertex|matrices matrix|sheep sheep
fish fish|fishes fish|deer deer|running running|red red|ÿber ÿber|s s|ss ss
"""
PAIRS = [tuple(each.split()) for each in BY_HAND.replace("\n", "|").split("|") if each.strip()]


@pytest.mark.parametrize(("word", "singular"), PAIRS)
def test_singulars_by_hand(word: str, singular: str) -> None:
    assert lemma(word) == singular


WORDS = st.text("abcdefhikmnorstuvwxyz", min_size=1, max_size=7)
ENDINGS = "s es ies ves ses oes men mice ches xes zzes eaux us is ss leaves"
ENDS = st.sampled_from(ENDINGS.split())


@given(
    st.one_of(WORDS, st.builds(str.__add__, WORDS, ENDS), st.sampled_from([p[0] for p in PAIRS]))
)
@example("men")
@example("ss")
def test_forms_are_the_inverse_of_lemma(word: str) -> None:
    assert word in forms(lemma(word))
    assert all(lemma(each) == word for each in forms(word))
