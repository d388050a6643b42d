"""Sets of words found anywhere, against subsets in Python; more words than there are bits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.longtail.anywhere import Anywhere

WORD = st.integers(0, 199)
NEAR = st.sampled_from([3, 67, 131, 195, 4, 68])  # the same bits
TERMS = st.lists(st.lists(NEAR | WORD, max_size=4), min_size=1, max_size=8)
CAPTIONS = st.lists(st.lists(NEAR | st.just(-1), max_size=8), max_size=6)


@settings(deadline=None, max_examples=200)
@given(TERMS, st.lists(CAPTIONS, max_size=3))
def test_terms_are_found_wherever_their_words_stand(terms, batches) -> None:
    words = np.array([word for term in terms for word in term], np.int64)
    owner = np.repeat(np.arange(len(terms)), [len(term) for term in terms])
    anywhere = Anywhere(words, owner, len(terms), 200)
    for captions in batches:  # the plan changes between batches
        flat = np.array([word for caption in captions for word in caption], np.int32)
        where = np.repeat(np.arange(len(captions)), [len(caption) for caption in captions])
        caption, term, seen = anywhere.find(flat, where)
        slow = {
            (i, j)
            for i, caption_words in enumerate(captions)
            for j, term_words in enumerate(terms)
            if term_words and set(term_words) <= set(caption_words)
        }
        found = list(zip(caption.tolist(), term.tolist(), strict=True))
        assert set(found) == slow and len(found) == len(slow)
        assert set(np.flatnonzero(seen)) == set(flat[flat >= 0].tolist())
