"""Singular of English nouns: a table of exceptions, then the first ending that fits.

There is no tagger of parts of speech: every word is read as a noun, so "leaves" is always "leaf"
and "glasses" always "glass". Words are expected in lower case; what fits no rule stays as it is.
"""

from __future__ import annotations

from functools import cache

__all__ = ["forms", "lemma"]

_ENDINGS = (  # ending, what takes its place, letters that must stand before it; the first that fits
    ("children", "child", 0),
    ("mice", "mouse", 0),
    ("men", "man", 0),
    ("wolves", "wolf", 0),
    ("shelves", "shelf", 0),
    ("elves", "elf", 0),
    ("leaves", "leaf", 0),
    ("sheaves", "sheaf", 0),
    ("loaves", "loaf", 0),
    ("thieves", "thief", 0),
    ("calves", "calf", 0),
    ("halves", "half", 0),
    ("scarves", "scarf", 0),
    ("wharves", "wharf", 0),
    ("dwarves", "dwarf", 0),
    ("hooves", "hoof", 0),
    ("knives", "knife", 0),
    ("wives", "wife", 0),
    ("eaux", "eau", 1),
    ("eaus", "eau", 1),
    ("ies", "y", 2),
    ("sses", "ss", 1),
    ("shes", "sh", 1),
    ("ches", "ch", 2),
    ("xes", "x", 2),
    ("zzes", "zz", 1),
    ("tzes", "tz", 1),
    ("ouses", "ouse", 0),
    ("auses", "ause", 0),
    ("euses", "euse", 0),
    ("uses", "us", 2),
    ("oes", "o", 2),
    ("ss", "ss", 0),
    ("us", "us", 0),
    ("is", "is", 0),
    ("s", "", 3),
)

_KEPT = """
    abdomen acumen albumen amen bitumen cyclamen hymen lumen omen ramen regimen semen specimen
    stamen yemen pumice
    aries athletics aerobics asbestos atlas barbados bermudas biceps billiards binoculars bias
    caries canvas chaos charles christmas cosmos diabetes economics ethos forceps gymnastics
    headquarters herpes hers james jeans kansas kudos lagos lens madras mathematics measles
    mercedes news ourselves pampas pancreas pants pathos physics politics rabies rhinoceros
    scissors series shorts species texas themselves thermos thomas triceps trousers vegas
    yourselves alas alias always besides mars perhaps sometimes towards wales whereas
    """

_IE = """
    aerie barbie birdie bogie boogie bowtie brownie budgie calorie camaraderie collie cookie
    coterie eyrie foodie genie goalie groupie hoodie laddie lassie lingerie magpie menagerie movie
    necktie newbie patisserie pixie potpie prairie quickie reverie rookie rotisserie selfie
    smoothie sortie talkie veggie walkie yuppie zombie
    """
_CHE_XE = """
    apache avalanche axe barouche brioche cache cartouche ceviche cliche creche douche gouache
    headache heartache moustache mustache niche panache pastiche pickaxe poleaxe porsche psyche
    quiche stomachache toothache tranche backache earache
    """
_SSE = "crevasse finesse fosse impasse lacrosse mousse posse wrasse"
_USE = "abuse excuse fuse hypotenuse muse recluse ruse use"
_OE = """
    aloe backhoe canoe floe horseshoe mistletoe oboe overshoe pekoe shoe sloe snowshoe tiptoe
    throe gumshoe
    """
_PLAIN_S = """
    alibi audi bikini broccoli calamari corgi ferrari jacuzzi khaki kiwi kohlrabi lamborghini
    martini maxi mini nazi okapi origami panini pastrami rabbi ravioli safari salami ski sushi
    taxi tsunami wasabi yeti zucchini bonsai
    caribou emu flu gnu guru haiku menu tofu tutu zebu ecu bayou
    """
_ES = """
    alias ash ass atlas bias biogas bus canvas christmas clitoris cosmos fez gas ibis iris lens
    madras mantis marquis metropolis necropolis acropolis pancreas pelvis penis plus portcullis
    proboscis pus quartz rhinoceros thermos topaz trellis yes
    """
_LATIN_US = """
    alumni bacilli cacti foci fungi gladioli hippopotami loci narcissi nuclei octopi papyri radii
    rhombi sarcophagi stimuli syllabi termini thesauri
    """
_LATIN_UM = "aquaria bacteria gymnasia planetaria solaria stadia terraria vivaria ova strata errata"
_LATIN_A = """
    algae alumnae amoebae antennae formulae larvae nebulae personae pupae supernovae vertebrae
    """
_GREEK_SIS = """
    analyses catharses crises diagnoses emphases hypotheses metamorphoses nemeses neuroses oases
    parentheses prostheses psychoses syntheses synopses theses
    """

_ODD = {
    "ads": "ad",
    "apices": "apex",
    "appendices": "appendix",
    "brethren": "brother",
    "cds": "cd",
    "cherubim": "cherub",
    "codices": "codex",
    "cortices": "cortex",
    "criteria": "criterion",
    "feet": "foot",
    "forefeet": "forefoot",
    "ganglia": "ganglion",
    "geese": "goose",
    "goes": "go",
    "helices": "helix",
    "indices": "index",
    "kibbutzim": "kibbutz",
    "lice": "louse",
    "lives": "life",
    "matrices": "matrix",
    "men": "man",
    "mitochondria": "mitochondrion",
    "oxen": "ox",
    "pcs": "pc",
    "phenomena": "phenomenon",
    "quizzes": "quiz",
    "fezzes": "fez",
    "seraphim": "seraph",
    "stigmata": "stigma",
    "stomata": "stoma",
    "teeth": "tooth",
    "tvs": "tv",
    "vertices": "vertex",
    "vortices": "vortex",
}


def _table() -> dict[str, str]:
    table = dict(_ODD)
    for nouns in (_IE, _CHE_XE, _SSE, _USE, _OE, _PLAIN_S):
        table |= {noun + "s": noun for noun in nouns.split()}
    table |= {noun + "es": noun for noun in _ES.split()}
    for plurals, plural, singular in (
        (_LATIN_US, "i", "us"),
        (_LATIN_UM, "a", "um"),
        (_LATIN_A, "ae", "a"),
        (_GREEK_SIS, "ses", "sis"),
    ):
        table |= {each: each.removesuffix(plural) + singular for each in plurals.split()}
    return table


_IRREGULAR = _table()
_UNCHANGED = frozenset(_KEPT.split())
_SHORT = 3  # words of at most so many letters are no plurals, but for those in the table


def lemma(word: str) -> str:
    """The singular of an English noun in lower case; other words as they are.

    >>> lemma("wolves"), lemma("strawberries"), lemma("glass")
    ('wolf', 'strawberry', 'glass')
    """
    known = _IRREGULAR.get(word)
    if known is not None:
        return known
    if len(word) <= _SHORT or word in _UNCHANGED:
        return word
    for ending, instead, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: len(word) - len(ending)] + instead
    return word


@cache
def _plurals() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for plural, singular in _IRREGULAR.items():
        found[singular] = (*found.get(singular, ()), plural)
    return found


def forms(singular: str) -> tuple[str, ...]:
    """Every word whose lemma is ``singular``, sorted; none where it is nobody's lemma.

    Complete, because a lemma comes from the table or from one ending: counting looks words up
    among the forms and never has to lemmatise a caption.
    """
    candidates = {singular, *_plurals().get(singular, ())}
    for ending, instead, _ in _ENDINGS:
        if singular.endswith(instead):
            candidates.add(singular[: len(singular) - len(instead)] + ending)
    return tuple(sorted(each for each in candidates if each and lemma(each) == singular))
