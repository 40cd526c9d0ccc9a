"""Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34) on the crypto seam.

`Handshake` gives the three messages of XX, with payloads that may depend on the handshake hash; who may be at
the other end is decided in proof.py. `Cipher` is one direction afterwards.
"""

from ..compat import const
from ..errors import ProtocolError
from .packet import TAG_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..seams import Buffer, Crypto

_NAME = b"Noise_XX_25519_ChaChaPoly_SHA256"  # 32 bytes: it is the first hash as it stands
_PATTERN = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
_BASE_POINT = b"\x09" + bytes(31)
_REKEY_NONCE = 0xFFFFFFFFFFFFFFFF
_HMAC_BLOCK = const(64)
_INNER_PAD = int.from_bytes(b"\x36" * 64, "big")
_OUTER_PAD = int.from_bytes(b"\x5c" * 64, "big")
KEY_BYTES = const(32)
REKEY_MESSAGES = const(65536)  # the nonce stays a small integer, far below the 2^64 - 1 that would be the end


def hmac_sha256(crypto: "Crypto", key: "Buffer", data: "Buffer") -> bytes:
    """RFC 2104, for keys of at most 64 bytes."""
    number = int.from_bytes(bytes(key) + bytes(_HMAC_BLOCK - len(key)), "big")
    inner = crypto.sha256((number ^ _INNER_PAD).to_bytes(_HMAC_BLOCK, "big") + data)
    return crypto.sha256((number ^ _OUTER_PAD).to_bytes(_HMAC_BLOCK, "big") + inner)


def hkdf2(crypto: "Crypto", chaining_key: "Buffer", material: "Buffer"):
    """Two outputs of Noise's HKDF."""
    secret = hmac_sha256(crypto, chaining_key, material)
    first = hmac_sha256(crypto, secret, b"\x01")
    return first, hmac_sha256(crypto, secret, first + b"\x02")


class Cipher:
    """The key of one direction and the number of the next message under it.

    After 65,536 messages both sides replace the key by Noise's REKEY(k) and count from 0 again.
    """

    def __init__(self, crypto: "Crypto", key: "Buffer"):
        self._crypto = crypto
        self.key = key
        self.nonce = 0

    def step(self):
        """One message was sealed or opened."""
        self.nonce += 1
        if self.nonce == REKEY_MESSAGES:
            self.key = rekey(self._crypto, self.key)
            self.nonce = 0


def rekey(crypto: "Crypto", key: "Buffer") -> bytes:
    """Noise's REKEY: the first 32 bytes of 32 zeros, encrypted under the last nonce."""
    buf = bytearray(KEY_BYTES + TAG_BYTES)
    crypto.aead_seal(key, _REKEY_NONCE, b"", buf, KEY_BYTES)
    return bytes(buf[:KEY_BYTES])


class Handshake:
    """One run of XX. Call `write` and `read` in turn, the initiator first, until `finished`.

    Both keys of one's own are fresh (`static` too: identities are proven in the payload, so a lasting X25519 key
    would be one secret more to keep and would prove nothing). ProtocolError when a message is wrong; the
    object is then of no use.
    """

    def __init__(self, crypto: "Crypto", initiator: bool, prologue: "Buffer", static: "Buffer", ephemeral: "Buffer"):
        self._crypto = crypto
        self._initiator = initiator
        self._static = static
        self._ephemeral = ephemeral
        self.static_public = crypto.x25519(static, _BASE_POINT)
        self._ephemeral_public = crypto.x25519(ephemeral, _BASE_POINT)
        self.peer_static = b""
        self._peer_ephemeral = b""
        self._chaining_key = _NAME
        self._hash = crypto.sha256(_NAME + prologue)
        self._key: bytes | None = None
        self._nonce = 0
        self._step = 0

    def finished(self):
        return self._step == len(_PATTERN)

    def write(self, make_payload: "Callable[[bytes], bytes]") -> bytes:
        """The next message. `make_payload` gets the handshake hash so far, which its payload may sign."""
        parts = []
        for token in _PATTERN[self._step]:
            if token == "e":
                parts.append(self._ephemeral_public)
                self._mix_hash(self._ephemeral_public)
            elif token == "s":
                parts.append(self._encrypt(self.static_public))
            else:
                self._mix_shared(token)
        parts.append(self._encrypt(make_payload(self._hash)))
        self._step += 1
        return b"".join(parts)

    def read(self, message: "Buffer"):
        """(handshake hash before the payload, payload) of the peer's next message."""
        rest = memoryview(message)
        for token in _PATTERN[self._step]:
            if token == "e":
                public, rest = _take(rest, KEY_BYTES)
                self._peer_ephemeral = public
                self._mix_hash(public)
            elif token == "s":
                sealed, rest = _take(rest, KEY_BYTES + TAG_BYTES)
                self.peer_static = self._decrypt(sealed)
            else:
                self._mix_shared(token)
        bound = self._hash
        payload = self._decrypt(bytes(rest))
        self._step += 1
        return bound, payload

    def split(self):
        """(cipher to send with, cipher to receive with). Only after `finished`."""
        first, second = hkdf2(self._crypto, self._chaining_key, b"")
        if not self._initiator:
            first, second = second, first
        return Cipher(self._crypto, first), Cipher(self._crypto, second)

    def _mix_shared(self, token):
        """ee, es or se: the first letter is the initiator's key, the second the responder's."""
        mine, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        scalar = self._ephemeral if mine == "e" else self._static
        point = self._peer_ephemeral if theirs == "e" else self.peer_static
        try:
            shared = self._crypto.x25519(scalar, point)
        except ValueError:
            raise ProtocolError("the other side's handshake key is a low-order point") from None
        self._chaining_key, self._key = hkdf2(self._crypto, self._chaining_key, shared)
        self._nonce = 0

    def _mix_hash(self, data):
        self._hash = self._crypto.sha256(self._hash + data)

    def _encrypt(self, plain):
        if self._key is None:
            self._mix_hash(plain)
            return plain
        buf = bytearray(len(plain) + TAG_BYTES)
        memoryview(buf)[: len(plain)][:] = plain
        self._crypto.aead_seal(self._key, self._nonce, self._hash, buf, len(plain))
        self._nonce += 1
        self._mix_hash(buf)
        return bytes(buf)

    def _decrypt(self, sealed):
        if self._key is None:
            self._mix_hash(sealed)
            return sealed
        buf = bytearray(sealed)
        length = self._crypto.aead_open(self._key, self._nonce, self._hash, buf, len(buf))
        if length < 0:
            raise ProtocolError("a handshake message does not decrypt: replayed, or somebody is in the middle")
        self._nonce += 1
        self._mix_hash(sealed)
        return bytes(buf[:length])


def _take(view, count):
    """(first `count` bytes, the rest as a view)"""
    if len(view) < count:
        raise ProtocolError("a handshake message of %d bytes ends too early" % len(view))
    return bytes(view[:count]), view[count:]
