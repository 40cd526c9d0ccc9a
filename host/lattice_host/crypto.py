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
from nacl.exceptions import RuntimeError as SodiumError

from .signatures import SIGNATURE_BYTES, Beside, pack, verify_each

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
TAG_BYTES = 16

# PyNaCl's own functions copy the message twice and check types for 10 µs: too much for each frame of the link.
_binding = import_module("nacl._sodium")  # it has no type stubs
_ffi = _binding.ffi
_sodium = _binding.lib
_NULL = _ffi.NULL

_SLICE_ITEMS = 32  # signatures a thread takes at once: about 2 ms, long against what handing over costs
_BESIDE_AFTER_ITEMS = 1024  # as long as it takes to start the process that verifies beside the caller


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
    return verify_each(((public, message, signature),))[0]


def ed25519_verify_many(items: Iterable[Signed]) -> list[bool]:
    """libsodium works without the interpreter's lock: large lists are spread over the cores."""
    items = list(items)
    return verify_each(items) if len(items) <= _SLICE_ITEMS else Verdicts(items).result()


def ed25519_verify_begin(items: Iterable[Signed]) -> "Verdicts":
    """The same while the caller goes on: `result()` gives the verdicts."""
    return Verdicts(list(items), _beside)


class Verdicts:
    """Signatures that are being verified by the threads, or by the process beside this one when the load is large.

    Of a list that the process has, the end is left to whoever asks for the result, so that none of the two waits long.
    """

    def __init__(self, items: list[Signed], loads: "LargeLoads | None" = None):
        self._items = items
        self._loads = loads
        self._own = len(items)  # from here on they are verified here
        self._asked = None if loads is None else loads.begin(items)
        self._slices = []
        if self._asked is not None:
            self._own = self._asked.count
        else:
            slices = [items[start : start + _SLICE_ITEMS] for start in range(0, len(items), _SLICE_ITEMS)]
            self._slices = [_workers().submit(verify_each, part) for part in slices]

    def result(self) -> list[bool]:
        if self._asked is None or self._loads is None:
            return [verdict for part in self._slices for verdict in part.result()]
        try:
            early = self._asked.is_ready()
            own = verify_each(self._items[self._own :])
            self._loads.balance(early, self._asked.is_ready())
            return self._asked.result() + own
        except (OSError, IndexError):  # the process was killed: its lists are done here
            return Verdicts(self._items).result()


class LargeLoads:
    """Starts the process once enough was asked for to be worth it, and does without when that fails."""

    def __init__(self):
        self._items = 0
        self._beside: Beside | None = None
        self._own = 0  # of 32 signatures, how many the asking side verifies itself

    def begin(self, items: list[Signed]):
        """The question to the process, or None when the threads are to do it."""
        self._items += len(items)
        theirs = len(items) - len(items) * self._own // 32
        if self._items < _BESIDE_AFTER_ITEMS or (packed := pack(items[:theirs])) is None:
            return None
        try:
            if self._beside is None:
                self._beside = Beside()
            return self._beside.begin(packed)
        except OSError:
            self._beside = None
            self._items = 0
            return None

    def balance(self, early: bool, ready: bool) -> None:
        """The process had its answer before we began our part (`early`), or not even when we were done."""
        if early:
            self._own = max(self._own - 1, 0)
        elif not ready:
            self._own = min(self._own + 1, 8)


_beside = LargeLoads()


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
