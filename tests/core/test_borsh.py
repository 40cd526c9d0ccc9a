"""wire.borsh: little-endian integers."""

from lattice_core.wire import borsh


def test_u32():
    data = bytes(range(1, 13))
    assert borsh.u32(data, 0) == 0x04030201
    assert borsh.u32(memoryview(data), 3) == 0x07060504
    assert borsh.u32(b"\xff\xff\xff\xff", 0) == 2**32 - 1


def test_u64():
    data = bytes(range(1, 13))
    assert borsh.u64(data, 2) == 0x0A09080706050403
    assert borsh.u64(memoryview(b"\xff" * 8), 0) == 2**64 - 1
