import gzip

from open_clip.tokenizer import SimpleTokenizer

from workbench.gpu import bpe


def test_learns_the_classic_example():
    # low x5, lower x2, newest x6, widest x3 (Sennrich et al. 2016, with the word end attached)
    texts = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    assert bpe.learn(texts, 4) == [("e", "s"), ("es", "t</w>"), ("l", "o"), ("e", "w")]


def test_stops_when_every_word_is_one_symbol():
    assert bpe.learn(["ab ab"], 50) == [("a", "b</w>")]
    assert bpe.learn([], 5) == []


def test_merging_takes_pairs_from_the_left():
    assert bpe.merged(("a", "a", "a", "b"), ("a", "a")) == ("aa", "a", "b")


def test_open_clip_reads_the_file(tmp_path):
    path = tmp_path / "merges.txt.gz"
    learned = bpe.learn(["a photo of a red apple", "a red fox"], 40)
    bpe.write(path, learned)
    made = SimpleTokenizer(bpe_path=str(path), context_length=8, clean=bpe.CLEAN)
    assert made.vocab_size == 512 + len(learned) + 2
    row = made(["A red APPLE."])[0].tolist()
    assert row[0] == made.sot_token_id
    assert row[4] == made.eot_token_id == made.vocab_size - 1
    assert row[5:] == [0, 0, 0]
    assert made.decode(row[1:4]) == "a red apple "


def test_unknown_words_fall_back_to_bytes_and_come_back(tmp_path):
    path = tmp_path / "merges.txt.gz"
    bpe.write(path, bpe.learn(["a red apple"], 10))
    made = bpe.load(path, 20)
    for text in ("zwölf äpfel", "红苹果", "\N{RED APPLE}"):
        assert made.decode(made.encode(text)).strip() == text


def test_the_same_texts_give_the_same_file(tmp_path):
    texts = [f"a {colour} {thing}" for colour in ("red", "blue") for thing in ("kite", "bus")]
    one, two = tmp_path / "one.gz", tmp_path / "two.gz"
    bpe.write(one, bpe.learn(texts, 20))
    bpe.write(two, bpe.learn(list(reversed(texts)), 20))
    assert one.read_bytes() == two.read_bytes()
    assert not gzip.decompress(one.read_bytes()).endswith(b"\n")
