"""text: what others wrote is shown on one line, and is cut at the border of a character."""

from lattice_core import text

# Each kind of what a terminal obeys or an eye does not see.
HIDDEN = (
    "\x00", "\x07", "\x1b", "\n", "\r", "\t", "\x7f", "\x85",
    "\x9b", "\xad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b", "\u200d",
    "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2060", "\u2066",
    "\u2069", "\u206f", "\u3164", "\ufe0f", "\ufeff", "\ufff9", "\uffff", "\U000110bd",
    "\U0001d173", "\U000e0001", "\U000e007f", "\U000e0100",
)  # fmt: skip


def test_what_is_hidden_becomes_visible():
    for character in HIDDEN:
        shown = text.printable("a%sb" % character)
        assert character not in shown, repr(character)
        assert shown[0] == "a"
        assert shown[1] == "\\"
        assert shown[-1] == "b"
        assert len(shown) >= 4
    assert text.printable("\x1b[2J\n\u202e\U000e0001") == "\\x1b[2J\\n\\u202e\\U000e0001"


def test_what_is_seen_stays_as_it_is():
    for good in ("", "notes", "Grüße", "漢字 かな", "\U0001f600", "a b", "\\x1b", "\xa0", "¡ÿﬀ", "\u2027\u202f\u2070"):
        assert text.printable(good) == good


def test_a_surrogate_is_shown_too():
    half = chr(0xDCE9)
    assert text.printable("caf" + half) == "caf\\udce9"


def test_long_text_is_cut_for_the_eye():
    assert text.printable("abcdef", 6) == "abcdef"
    assert text.printable("abcdefg", 6) == "abcdef…"
    assert text.printable("\x1b" * 9, 2) == "\\x1b\\x1b…"


def test_bytes_become_ascii():
    assert text.printable_bytes(b"going\n\x1b[31m\xff") == "going??[31m?"


def test_cut_counts_bytes_and_keeps_characters():
    for whole in ("plain", "é" * 10, "漢" * 10, "\U0001f600" * 10, "a漢é\U0001f600" * 5, ""):
        for size in range(len(whole.encode()) + 3):
            part = text.cut(whole, size)
            assert whole.startswith(part)
            assert len(part.encode()) <= size
            longer = whole[: len(part) + 1]
            assert part == whole or len(longer.encode()) > size
