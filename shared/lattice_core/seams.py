"""What a platform hands to the core: crypto and byte bodies. Types only; nothing is imported at run time.

`Crypto` is implemented by the C module `lattice_native` on the stick and in the emulator (the module
object itself is handed in) and by `lattice_host.crypto` on CPython. All implementations give the same
verdict on every signature (docs/protocol.md, "Signatures").
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    Buffer = bytes | bytearray | memoryview

    class Hasher(Protocol):
        def update(self, data: Buffer) -> None: ...

        def digest(self) -> bytes:
            """32 bytes; may be called once."""
            ...

    class Crypto(Protocol):
        def blake3(self) -> Hasher:
            """A fresh incremental BLAKE3."""
            ...

        def blake3_digest(self, data: Buffer) -> bytes:
            """BLAKE3 of `data`, 32 bytes."""
            ...

        def sha256(self, data: Buffer) -> bytes:
            """SHA-256 of `data`, 32 bytes."""
            ...

        def ed25519_public(self, seed: Buffer) -> bytes:
            """Public key (32 bytes) of a 32-byte seed (RFC 8032)."""
            ...

        def ed25519_sign(self, seed: Buffer, public: Buffer, message: Buffer) -> bytes:
            """Deterministic signature, 64 bytes. `public` must belong to `seed`."""
            ...

        def ed25519_verify(self, public: Buffer, message: Buffer, signature: Buffer) -> bool:
            """verify_strict semantics. Wrong lengths are False, never an error."""
            ...

        def ed25519_verify_many(self, items: "Iterable[tuple[Buffer, Buffer, Buffer]]") -> "list[bool]":
            """One verdict for each (public, message, signature), in order. A platform with threads also has
            `ed25519_verify_begin(items)`, which returns at once; `result()` of what it returns waits for the verdicts.
            """
            ...

        def x25519(self, scalar: Buffer, point: Buffer) -> bytes:
            """RFC 7748; ValueError when the result is all zero (a low-order point) or a length is wrong."""
            ...

        def aead_seal(self, key: Buffer, nonce: int, ad: Buffer, buf: "bytearray | memoryview", length: int) -> int:
            """ChaCha20-Poly1305 (RFC 8439) in place: encrypts buf[:length], appends the 16-byte tag.

            The 96-bit nonce is 4 zero bytes and `nonce` as u64 little-endian (Noise). Returns length + 16.
            """
            ...

        def aead_open(self, key: Buffer, nonce: int, ad: Buffer, buf: "bytearray | memoryview", length: int) -> int:
            """Decrypts buf[:length] in place (tag last). Returns the plaintext length, or -1: buf is then unusable."""
            ...

        def random(self, count: int) -> bytes:
            """`count` bytes from the system's generator."""
            ...

    class Body(Protocol):
        """Bytes that are read where they lie: in memory, in a file, in flash."""

        size: int

        def read(self, offset: int, count: int) -> bytes:
            """Exactly `count` bytes from `offset`; StorageError when the medium fails."""
            ...


class BytesBody:
    """A `Body` in memory."""

    def __init__(self, data):
        self.data = data
        self.size = len(data)

    def read(self, offset, count):
        return bytes(self.data[offset : offset + count])


class SliceBody:
    """A window of another `Body`, without a copy."""

    def __init__(self, body, offset, size):
        self.body = body
        self.offset = offset
        self.size = size

    def read(self, offset, count):
        return self.body.read(self.offset + offset, count)
