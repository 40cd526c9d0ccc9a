"""wire.borsh: integers and vectors."""

from lattice_core.errors import ProtocolError
from lattice_core.wire import borsh
from support import raises


def test_integers():
    data = bytes(range(1, 13))
    assert borsh.u32(data, 0) == 0x04030201
    assert borsh.u32(b"\xff\xff\xff\xff", 0) == 2**32 - 1
    assert borsh.u64(data, 2) == 0x0A09080706050403
    assert borsh.u64(memoryview(b"\xff" * 8), 0) == 2**64 - 1


def test_vectors():
    data = b"\x02\x00\x00\x00" + b"a" * 32 + b"b" * 32 + b"rest"
    assert borsh.vector(data, 0, len(data), 32) == (4, 2, 68)
    assert borsh.vector(b"\x00\x00\x00\x00", 0, 4, 32) == (4, 0, 4)
    raises(ProtocolError, borsh.vector, data[:60], 0, 60, 32)
    raises(ProtocolError, borsh.vector, data, 0, 3, 32)
    raises(ProtocolError, borsh.vector, b"\xff\xff\xff\xff" + bytes(40), 0, 44, 32)


def test_put_bytes():
    parts = [b"head"]
    borsh.put_bytes(parts, b"xyz")
    data = b"".join(parts)
    assert data == b"head\x03\x00\x00\x00xyz"
    assert borsh.vector(data, 4, len(data), 1) == (8, 3, 11)
