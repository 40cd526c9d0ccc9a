"""The C module of the stick and the emulator. It is itself a `Crypto` (lattice_core.seams).

`lattice_host.crypto` is its twin on CPython: same functions, same errors, same verdicts; tests/core/test_crypto.py
holds both to the same vectors. A length that does not fit is a ValueError unless said otherwise; an argument that
is no buffer is a TypeError. Nothing allocates but the results (and a BLAKE3 state of 1.9 KB). Stack: 3.5 KiB for a
verification, which is refused with RuntimeError where less is left; at most 1.5 KiB for the rest.
"""

from array import array
from collections.abc import Iterable

Buffer = bytes | bytearray | memoryview

# -- hash.c -------------------------------------------------------------------------------------------------------

class Hasher:
    def update(self, data: Buffer) -> None: ...
    def digest(self) -> bytes:
        """32 bytes. The state is not changed."""

def blake3() -> Hasher:
    """A fresh incremental BLAKE3."""

def blake3_digest(data: Buffer) -> bytes:
    """BLAKE3 of `data`, 32 bytes."""

def sha256(data: Buffer) -> bytes:
    """SHA-256 of `data`, 32 bytes."""

# -- ed25519.c ----------------------------------------------------------------------------------------------------

def ed25519_public(seed: Buffer) -> bytes:
    """Public key (32 bytes) of a 32-byte seed (RFC 8032)."""

def ed25519_sign(seed: Buffer, public: Buffer, message: Buffer) -> bytes:
    """Deterministic signature, 64 bytes. `public` (32 bytes) must belong to `seed` (32 bytes)."""

def ed25519_verify(public: Buffer, message: Buffer, signature: Buffer) -> bool:
    """verify_strict: cofactorless, S < L, no small-order or non-canonical key, no small-order R.

    Wrong lengths are False.
    """

def ed25519_verify_many(items: Iterable[tuple[Buffer, Buffer, Buffer]]) -> list[bool]:
    """One verdict for each (public, message, signature), in order."""

# -- x25519.c -----------------------------------------------------------------------------------------------------

def x25519(scalar: Buffer, point: Buffer) -> bytes:
    """RFC 7748, 32 bytes each. ValueError also when the result is all zero (a low-order point)."""

# -- aead.c: ChaCha20-Poly1305 (RFC 8439); the nonce is 4 zero bytes and a u64, little-endian ------------------------

def aead_seal(key: Buffer, nonce: int, ad: Buffer, buf: bytearray | memoryview, length: int) -> int:
    """Encrypts buf[:length] in place and puts the 16-byte tag behind it. Returns length + 16.

    `key`: 32 bytes; `nonce`: 0 … 2**64 - 1; `buf` must have room for the tag.
    """

def aead_open(key: Buffer, nonce: int, ad: Buffer, buf: bytearray | memoryview, length: int) -> int:
    """Decrypts buf[:length], the tag last, in place. Returns the length of the plaintext, or -1: not authentic."""

# -- frame.c: frames of the serial link, in place. Twin: lattice_core.link.serial_frames ------------------

def frame_open(
    buf: bytearray, start: int, end: int, check: int | None, expected: int, key: Buffer | None, nonce: int
) -> tuple[int, int, int, int, int, int, int, int]:
    """Opens the first COBS frame of buf[start:end], which ends at the first zero byte; zeros before it are skipped.

    Returns (next, status, flags, sack, seq, ack, offset, length). Status: 0 no whole frame (it begins at next); 1 not
    COBS, too short, or its CRC-32, started with `check`, is wrong (None: not compared): the content is at offset;
    2 a packet, payload at offset; 3 a packet with a whole message, seq = `expected`, decrypted with `key` and
    `nonce`; 4 the same, not authentic. `next` is where the following frame begins. What was decoded overwrites buf.
    """

def frame_seal(
    out: bytearray,
    slot: bytearray,
    length: int,
    flags: int,
    sack: int,
    seq: int,
    ack: int,
    check: int,
    key: Buffer | None,
    nonce: int,
) -> int:
    """Frames the `length` payload bytes at slot[6:] into `out`, delimiter included; returns the bytes written.

    With a `key` the payload is first encrypted where it lies and its tag put behind it. The header goes to slot[:6],
    the CRC-32 behind the payload: to send the same again, call with the longer length and no key.
    """

# -- index.c: the stick's index. Twin: lattice_flash/columns.py ------------------------------------------------------

def column_find(column: array[int], value: int, start: int, end: int, nth: int) -> int:
    """Index of the `nth` (0-based) element of column[start:end] equal to `value`, or -1 - (how many were found).

    `column` is an array of u16 ("H") or u32 ("I"); ValueError for anything else, or bounds outside of it.
    """

# -- random.c -----------------------------------------------------------------------------------------------------

def random(count: int) -> bytes:
    """`count` bytes from the system's generator."""
