"""Frames of the serial pipe: the platform's functions and the Python twin give the same for everything."""

from lattice_core.link.packet import (
    ASK,
    DAMAGED,
    DATA,
    FORGED,
    HEADER_BYTES,
    NOTHING,
    OPENED,
    PACKET,
    START,
    WHOLE,
    check_holds,
)
from lattice_core.link.serial_frames import PythonFrames, frame_functions, seal_packet
from support import Rng, crypto

KEY = bytes(range(32))
CHECK = 0xDEADBEEF


def both():
    twin = PythonFrames(crypto())
    return frame_functions(crypto()), (twin.frame_open, twin.frame_seal)


def seal(functions, payload, flags=WHOLE, key=KEY, nonce=0, seq=0, check=CHECK):
    slot = bytearray(HEADER_BYTES + len(payload) + 20)
    slot[HEADER_BYTES : HEADER_BYTES + len(payload)] = payload
    out = bytearray(2 * len(slot))
    end = functions[1](out, slot, len(payload), flags, 0xA5, seq, 65535, check, key, nonce)
    return bytes(out[:end]), slot


def test_sealed_frames_are_equal_and_open():
    rng = Rng(3)
    platform, twin = both()
    for length in (0, 1, 15, 200, 253, 254, 255, 700, 998):
        payload = rng.bytes(length)
        frame, slot = seal(platform, payload, nonce=length, seq=length)
        again, slot_of_twin = seal(twin, payload, nonce=length, seq=length)
        assert frame == again
        assert slot == slot_of_twin
        assert frame.find(b"\0") == len(frame) - 1
        for functions in (platform, twin):
            buf = bytearray(b"xyz" + frame + b"rest")
            found = functions[0](buf, 3, len(buf), CHECK, length, KEY, length)
            assert found[:6] == (3 + len(frame), OPENED, WHOLE, 0xA5, length, 65535), found
            assert found[7] == length
            assert bytes(buf[found[6] : found[6] + length]) == payload
            assert bytes(buf[-4:]) == b"rest"


def test_what_open_says():
    platform, twin = both()
    frame, _ = seal(platform, b"hello", seq=7)
    cases = (
        ((CHECK, 7, KEY, 0), OPENED, 5),
        ((CHECK, 8, KEY, 0), PACKET, 21),  # not its turn
        ((CHECK, 7, None, 0), PACKET, 21),  # no key yet
        ((CHECK, 7, KEY, 1), FORGED, 0),  # another nonce
        ((CHECK, 7, bytes(32), 0), FORGED, 0),
        ((CHECK ^ 1, 7, KEY, 0), DAMAGED, 31),  # another session
        ((None, 7, KEY, 0), DAMAGED, 31),  # no session
    )
    for arguments, status, length in cases:
        for functions in (platform, twin):
            buf = bytearray(frame)
            found = functions[0](buf, 0, len(buf), *arguments)
            assert (found[1], found[7]) == (status, length), (arguments, found)


def test_pieces_are_not_opened():
    platform, twin = both()
    for flags in (DATA, DATA | START, ASK, 0):
        frame, _ = seal(platform, b"piece", flags=flags, key=None)
        for functions in (platform, twin):
            found = functions[0](bytearray(frame), 0, len(frame), CHECK, 0, KEY, 0)
            assert found[1:3] == (PACKET, flags)
            assert found[7] == 5


def test_sending_again_needs_no_key():
    platform, _ = both()
    frame, slot = seal(platform, b"again and again", nonce=9)
    out = bytearray(len(frame) + 2)
    end = platform[1](out, slot, 15 + 16, WHOLE, 0xA5, 0, 65535, CHECK, None, 0)
    assert bytes(out[:end]) == frame


def test_any_bytes_give_the_same_verdict():
    rng = Rng(4)
    platform, twin = both()
    for _ in range(400):
        data = rng.bytes(rng.below(120))
        if rng.below(2):
            data = data.replace(b"\x05", b"\0")
        start = rng.below(len(data) + 1)
        first, second = bytearray(data), bytearray(data)
        found = platform[0](first, start, len(data), CHECK, 0, KEY, 0)
        assert found == twin[0](second, start, len(data), CHECK, 0, KEY, 0), data
        assert found[1] in (NOTHING, DAMAGED)
        assert first[start : start + found[7]] == second[start : start + found[7]]


def test_every_flipped_bit_is_noticed():
    platform, twin = both()
    frame, _ = seal(platform, b"watch")
    for bit in range(8 * (len(frame) - 1)):
        data = bytearray(frame)
        data[bit >> 3] ^= 1 << (bit & 7)
        for functions in (platform, twin):
            assert functions[0](bytearray(data), 0, len(data), CHECK, 0, KEY, 0)[1] == DAMAGED


def test_a_packet_without_cobs():
    slot = bytearray(40)
    slot[HEADER_BYTES : HEADER_BYTES + 5] = b"small"
    end = seal_packet(slot, 5, DATA, 0, 1, 2, CHECK)
    assert end == HEADER_BYTES + 5 + 4
    assert check_holds(memoryview(slot)[:end], end, CHECK)
    assert not check_holds(memoryview(slot)[:end], end, CHECK - 1)
