"""wire.utf8: the same verdict as a strict decoder, on every interpreter and in every cut."""

from lattice_core.errors import ProtocolError
from lattice_core.wire import utf8
from support import Rng, raises

h = bytes.fromhex
GOOD = (
    "",
    "61",
    "c3a9",
    "e282ac",
    "f09f9a80",
    "ed9fbf",
    "ee8080",
    "f48fbfbf",
    "c280",
    "dfbf",
    "e0a080",
    "f0908080",
    "00",
)
BAD = (
    "80",
    "bf",
    "c0",
    "c080",
    "c1bf",
    "c3",
    "c328",
    "e08080",
    "e09fbf",
    "e282",
    "e28261",
    "eda080",
    "edbfbf",
    "f08080",
    "f0808080",
    "f08fbfbf",
    "f4908080",
    "f5808080",
    "f88888808080",
    "ff",
    "fe",
    "61ff",
    "f09f9a",
)


def test_good_texts():
    for text in GOOD:
        data = h(text)
        assert utf8.valid(data)
        assert utf8.check(data) == 0
        assert utf8.decode(data).encode() == data


def test_bad_texts():
    for text in BAD:
        data = h(text)
        assert not utf8.valid(data)
        assert utf8.check(data) != 0
        raises(ProtocolError, utf8.decode, data)


def test_in_pieces():
    rng = Rng(5)
    for text in GOOD + BAD:
        data = b"ab" + h(text) + b"c"
        for _ in range(4):
            cut = rng.below(len(data) + 1)
            state = utf8.check(data[:cut])
            if state >= 0:
                state = utf8.check(data[cut:], state)
            assert (state == 0) == utf8.valid(data)


def test_all_two_byte_strings_that_begin_above_ascii():
    """Against the definition: C2..DF and then 80..BF, nothing else."""
    pair = bytearray(2)
    for first in range(0x80, 0x100, 3):
        for second in range(0x70, 0x100, 3):
            pair[0], pair[1] = first, second
            assert (utf8.check(pair) == 0) == (0xC2 <= first <= 0xDF and 0x80 <= second <= 0xBF)


def test_memoryviews():
    assert utf8.decode(memoryview(b"xay")[1:2]) == "a"
    raises(ProtocolError, utf8.decode, memoryview(b"\xff\xff"))
