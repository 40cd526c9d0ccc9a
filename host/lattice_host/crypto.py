"""Crypto for CPython: PyNaCl (libsodium) and blake3. The module itself is a `Crypto` (lattice_core.seams).

Twin of the stick's C module: same functions, same errors, same verdict on every signature (both are libsodium's).
"""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

from blake3 import blake3
from nacl import bindings
from nacl.exceptions import BadSignatureError
from nacl.exceptions import RuntimeError as SodiumError

Buffer = bytes | bytearray | memoryview
Signed = tuple[Buffer, Buffer, Buffer]

__all__ = [
    "aead_open",
    "aead_seal",
    "blake3",
    "blake3_digest",
    "ed25519_public",
    "ed25519_sign",
    "ed25519_verify",
    "ed25519_verify_begin",
    "ed25519_verify_many",
    "random",
    "sha256",
    "x25519",
]

KEY_BYTES = 32
SIGNATURE_BYTES = 64
TAG_BYTES = 16

# PyNaCl's own functions copy the message twice and check types for 10 µs: too much for each frame of the link.
_binding = import_module("nacl._sodium")  # it has no type stubs
_ffi = _binding.ffi
_sodium = _binding.lib
_NULL = _ffi.NULL

_VERIFY_BYTES = 256  # of a signed message that is opened in a slice's own buffer: hashes
_SLICE_ITEMS = 32  # signatures a thread takes at once: about 2 ms, long against what handing over costs


def blake3_digest(data: Buffer) -> bytes:
    return blake3(data).digest()


def sha256(data: Buffer) -> bytes:
    return hashlib.sha256(data).digest()


def random(count: int) -> bytes:
    return os.urandom(count)


def ed25519_public(seed: Buffer) -> bytes:
    return bindings.crypto_sign_seed_keypair(_exact(seed, KEY_BYTES))[0]


def ed25519_sign(seed: Buffer, public: Buffer, message: Buffer) -> bytes:
    secret = _exact(seed, KEY_BYTES) + _exact(public, KEY_BYTES)
    return bindings.crypto_sign(bytes(message), secret)[:SIGNATURE_BYTES]


def ed25519_verify(public: Buffer, message: Buffer, signature: Buffer) -> bool:
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(b"".join((signature, message)), bytes(public))
    except BadSignatureError:
        return False
    return True


def ed25519_verify_many(items: Iterable[Signed]) -> list[bool]:
    """libsodium works without the interpreter's lock: large lists are spread over the cores."""
    items = list(items)
    return _verify_slice(items) if len(items) <= _SLICE_ITEMS else Verdicts(items).result()


def ed25519_verify_begin(items: Iterable[Signed]) -> "Verdicts":
    """The same while the caller goes on: `result()` gives the verdicts."""
    return Verdicts(list(items))


class Verdicts:
    """Signatures that are being verified by the workers."""

    def __init__(self, items: list[Signed]):
        slices = [items[start : start + _SLICE_ITEMS] for start in range(0, len(items), _SLICE_ITEMS)]
        self._slices = [_workers().submit(_verify_slice, part) for part in slices]

    def result(self) -> list[bool]:
        return [verdict for part in self._slices for verdict in part.result()]


def x25519(scalar: Buffer, point: Buffer) -> bytes:
    try:
        return bindings.crypto_scalarmult(_exact(scalar, KEY_BYTES), _exact(point, KEY_BYTES))
    except SodiumError:
        raise ValueError("low-order point") from None


def aead_seal(key: Buffer, nonce: int, ad: Buffer, buf: bytearray | memoryview, length: int) -> int:
    _check(key, buf, length, length + TAG_BYTES)
    text = _ffi.from_buffer(buf)
    _sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        text, _NULL, text, length, bytes(ad), len(ad), _NULL, _nonce(nonce), bytes(key)
    )
    return length + TAG_BYTES


def aead_open(key: Buffer, nonce: int, ad: Buffer, buf: bytearray | memoryview, length: int) -> int:
    _check(key, buf, length, length)
    iv = _nonce(nonce)
    if length < TAG_BYTES:
        return -1
    text = _ffi.from_buffer(buf)
    failed = _sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
        text, _NULL, _NULL, text, length, bytes(ad), len(ad), iv, bytes(key)
    )
    return -1 if failed else length - TAG_BYTES


def _verify_slice(items: list[Signed]) -> list[bool]:
    """Straight from libsodium, with one buffer: between two signatures the interpreter's lock is held shortly."""
    verify = _sodium.crypto_sign_open
    opened = _ffi.new("unsigned char[]", _VERIFY_BYTES)
    size = _ffi.new("unsigned long long *")
    verdicts = []
    for public, message, signature in items:
        signed = b"".join((signature, message))
        if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            verdicts.append(False)
        elif len(signed) > _VERIFY_BYTES:
            verdicts.append(ed25519_verify(public, message, signature))
        else:
            verdicts.append(verify(opened, size, signed, len(signed), bytes(public)) == 0)
    return verdicts


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "verify")


def _exact(data: Buffer, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("length")
    return bytes(data)


def _nonce(value: int) -> bytes:
    """Noise's: 4 zero bytes, then a u64, little-endian."""
    if not 0 <= value < 1 << 64:
        raise ValueError("not a u64")
    return b"\0\0\0\0" + value.to_bytes(8, "little")


def _check(key: Buffer, buf: bytearray | memoryview, length: int, needed: int) -> None:
    """libsodium gets bare addresses: whatever it will read or write must be there."""
    if memoryview(buf).readonly:
        raise TypeError("a buffer to write to is needed")
    if len(key) != KEY_BYTES or not 0 <= length <= needed <= len(buf):
        raise ValueError("length")
