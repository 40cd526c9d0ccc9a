"""wire.base58 against the published examples of Base58 and Base58Check."""

from lattice_core.errors import ProtocolError
from lattice_core.wire import base58
from support import Rng, case, crypto, raises

h = bytes.fromhex

# draft-msporny-base58, and two classic addresses.
PLAIN = (
    (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
    (b"The quick brown fox jumps over the lazy dog.", "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
    (h("0000287fb4cd"), "11233QC4"),
    (b"", ""),
    (b"\x00", "1"),
)
CHECKED = (
    (0, h("010966776006953d5567439e5e39f86a0d273bee"), "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM"),
    (0, bytes(20), "1111111111111111111114oLvT2"),
)


def test_published_examples():
    for data, text in PLAIN:
        with case(text):
            assert base58.encode(data) == text
            assert base58.decode(text) == data
    for version, data, text in CHECKED:
        with case(text):
            assert base58.check_encode(version, data, crypto()) == text
            assert base58.check_decode(version, text, crypto()) == data


def test_round_trip():
    rng = Rng(7)
    for size in (1, 2, 31, 32, 87, 300):
        data = bytes(rng.below(3)) + rng.bytes(size)
        with case("%d bytes" % size):
            assert base58.decode(base58.encode(data)) == data
            assert base58.check_decode(0x4C, base58.check_encode(0x4C, data, crypto()), crypto()) == data


def test_errors():
    text = base58.check_encode(0x4C, b"payload", crypto())
    raises(ProtocolError, base58.check_decode, 0x4D, text, crypto())
    swapped = text[:-1] + ("2" if text[-1] != "2" else "3")
    raises(ProtocolError, base58.check_decode, 0x4C, swapped, crypto())
    for bad in ("0", "O", "I", "l", " 2", "2\n", "\u00e4", "", "1", "1111"):
        raises(ProtocolError, base58.check_decode, 0x4C, bad, crypto())
    raises(ProtocolError, base58.decode, "2" * 2049)
