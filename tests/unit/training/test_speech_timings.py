"""Times of words and sounds from TextGrid, JSON, .align and transcripts."""

import json

import pytest

from float_core.synthetic.espeak import Phoneme
from float_core.training.forced_alignment import PocketSphinxAligner, plain_words
from float_core.training.speech_timings import SpeechTimings, TimingsError, find_timings, ipa, is_pause, read_textgrid

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0 
xmax = 1.5 
tiers? <exists> 
size = 3 
item []: 
    item [1]:
        class = "TextTier" 
        name = "marks" 
        xmin = 0 
        xmax = 1.5 
        points: size = 1 
        points [1]:
            number = 0.25 
            mark = "IntervalTier" 
    item [2]:
        class = "IntervalTier" 
        name = "words" 
        xmin = 0 
        xmax = 1.5 
        intervals: size = 2 
        intervals [1]:
            xmin = 0 
            xmax = 0.5 
            text = "" 
        intervals [2]:
            xmin = 0.5 
            xmax = 1.5 
            text = "say ""2"" = 3" 
    item [3]:
        class = "IntervalTier" 
        name = "Phones" 
        xmin = 0 
        xmax = 1.5 
        intervals: size = 2 
        intervals [1]:
            xmin = 0 
            xmax = 0.5 
            text = "sil" 
        intervals [2]:
            xmin = 0.5 
            xmax = 1.5 
            text = "EY1" 
"""  # noqa: W291
SHORT = "\n".join(
    [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *["0", "1.5", "<exists>", "1", '"IntervalTier"', '"phones"', "0", "1.5", "2", "0", "0.5", '"sil"', "0.5", "1.5", '"b"'],
    ]
)
PHONES = (Phoneme("", 0.0, 0.5), Phoneme("eɪ", 0.5, 1.5))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_textgrid_in_the_long_format(tmp_path, encoding):
    (tmp_path / "a.TextGrid").write_text(LONG, encoding=encoding)
    assert read_textgrid(tmp_path / "a.TextGrid") == SpeechTimings('say "2" = 3', (Phoneme('say "2" = 3', 0.5, 1.5),), PHONES)


def test_a_textgrid_in_the_short_format(tmp_path):
    (tmp_path / "a.TextGrid").write_text(SHORT)
    assert find_timings(tmp_path / "a.wav").phones == (Phoneme("", 0.0, 0.5), Phoneme("b", 0.5, 1.5))


def test_json_of_one_recording_or_of_all(tmp_path):
    phones = [[0, 0.5, "SIL"], [0.5, 1.5, "EY1"]]
    (tmp_path / "phones.json").write_text(json.dumps({"a": {"text": "A!", "phones": phones}, "b": phones}))
    (tmp_path / "words.json").write_text(json.dumps({"a": [[0, 0.5, "sil"], [0.5, 1.5, "a"]]}))
    assert find_timings(tmp_path / "a.wav") == SpeechTimings("A!", (Phoneme("a", 0.5, 1.5),), PHONES)
    assert find_timings(tmp_path / "b.wav").phones == PHONES
    assert find_timings(tmp_path / "c.wav") == SpeechTimings()
    (tmp_path / "b.json").write_text(json.dumps({"words": [[0.5, 1, "bee"]]}))
    assert find_timings(tmp_path / "b.wav") == SpeechTimings("bee", (Phoneme("bee", 0.5, 1),), PHONES)


def test_align_files_and_transcripts(tmp_path):
    (tmp_path / "a.align").write_text("0 12500 sil\n12500 25000 bin\n25000 30000 sp\n")
    assert find_timings(tmp_path / "a.mpg").words == (Phoneme("bin", 0.5, 1.0),)
    (tmp_path / "b.txt").write_text("\ufeffTwo \n words\n", encoding="utf-8")
    assert find_timings(tmp_path / "b.wav") == SpeechTimings("Two words")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", '{"words": [[1, 2]]}'),
        ("a.json", '{"words": [[1, 2, "a"], [0.5, 3, "b"]]}'),
        ("a.json", '{"phones": [[2, 1, "AH"]]}'),
        ("a.json", "3"),
        ("words.json", '["a"]'),
        ("a.align", "0 x sil"),
        ("a.TextGrid", "nothing"),
        ("a.TextGrid", SHORT[:-8]),
        ("a.TextGrid", SHORT.replace('"phones"', '"notes"')),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(TimingsError, match=name):
        find_timings(tmp_path / "a.wav")


def test_times_move_and_are_cut():
    said = SpeechTimings("a", (Phoneme("a", 1.0, 2.0),), ()).moved(-0.5, 2.0)
    assert said.words == (Phoneme("a", 1.5, 3.5),)
    assert said.between(2.0, 3.0).words == (Phoneme("a", 0.0, 1.0),) and not said.between(4.0, 5.0).words


@pytest.mark.parametrize(("given", "found"), [("AH0", "ʌ"), ("ch", "tʃ"), ("SIL", ""), ("sp", ""), ("b", "b"), ("i", "i"), ("aː", "aː")])
def test_sounds_come_out_as_ipa(given, found):
    assert ipa(given) == found and is_pause(given) == (found == "")


def test_words_as_the_dictionary_writes_them():
    assert plain_words("Don\u2019t -- call 112, 'Mr.' O'Hara!") == ["don't", "call", "one", "one", "two", "mr", "o'hara"]


class _Segment(list):
    def __init__(self, name, start, duration, parts=()):
        super().__init__(parts)
        self.name, self.start, self.duration = name, start, duration


class _Decoder:
    """Knows three words, and hears them one after another, half a second each."""

    known = ("one", "two", "three")

    def __init__(self, **_options):
        self.added: dict[str, str] = {}

    def lookup_word(self, word):
        return "X" if word in (*self.known, *self.added) else None

    def add_word(self, word, sounds, _update):
        self.added[word] = sounds

    def set_align_text(self, text):
        self.words = text.split()

    def set_alignment(self):
        pass

    start_utt = end_utt = set_alignment

    def process_raw(self, sound, full_utt):
        self.heard = min(len(self.words), len(sound) // 16000)

    def get_alignment(self):
        pause = _Segment("<sil>", 0, 10, [_Segment("SIL", 0, 10)])
        words = zip(self.words, range(10, 10 + 50 * self.heard, 50), strict=False)
        return [pause, *(_Segment(f"{word}(2)", start, 50, [_Segment("B", start, 50)]) for word, start in words)]


@pytest.fixture
def aligner(monkeypatch):
    module = type(json)("pocketsphinx")
    module.Decoder = _Decoder
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", module)
    return PocketSphinxAligner()


def test_alignment_gives_words_and_sounds_in_seconds(aligner):
    import numpy as np

    found = aligner.align(np.zeros(24000, np.float32), "One, xo two!")
    assert found.text == "One, xo two!" and aligner._decoder.added == {"xo": "K S AA"}
    assert found.words[1] == Phoneme("xo", 0.6, 1.1) and found.phones[:2] == (Phoneme("", 0.0, 0.1), Phoneme("b", 0.1, 0.6))


@pytest.mark.parametrize(
    ("text", "reason"), [("?", "no text"), ("one zwei drei", "not English"), ("one two three one", "not what is said")]
)
def test_a_text_that_does_not_belong_is_rejected(aligner, text, reason):
    import numpy as np

    from float_core.training.preparation import Rejected

    with pytest.raises(Rejected, match=reason):
        aligner.align(np.zeros(24000, np.float32), text)
