"""Who is at the other end: an Ed25519 identity, bound to one Noise handshake by a signature.

The payload of the second and third handshake message is `identity (32) ‖ signature (64)`. Signed is
"lattice-nano link 1" ‖ role ‖ X25519 static key ‖ handshake hash so far: 84 bytes, never bare 32, which is what an
intention's signature covers. The role stops a peer from sending our own proof back.
"""

from ..compat import const
from ..errors import ProtocolError
from .noise import KEY_BYTES, Handshake

_CONTEXT = b"lattice-nano link 1"
_INITIATOR = b"I"
_RESPONDER = b"R"
_IDENTITY_BYTES = const(32)
_PROOF_BYTES = const(96)


def _signed(initiator, static_public, bound):
    return _CONTEXT + (_INITIATOR if initiator else _RESPONDER) + static_public + bound


def make(crypto, seed, public, initiator, static_public, bound):
    """The payload with which the owner of `seed` proves itself in the given role."""
    return public + crypto.ed25519_sign(seed, public, _signed(initiator, static_public, bound))


def check(crypto, own_public, payload, initiator, static_public, bound):
    """The identity that `payload` proves, for a peer in the given role. ProtocolError in words otherwise."""
    if len(payload) != _PROOF_BYTES:
        raise ProtocolError("a proof of identity has 96 bytes, this one %d" % len(payload))
    identity = payload[:_IDENTITY_BYTES]
    if identity == own_public:
        raise OwnIdentity("the other side has this node's own identity: a copied node cannot talk to itself")
    if not crypto.ed25519_verify(identity, _signed(initiator, static_public, bound), payload[_IDENTITY_BYTES:]):
        raise WrongProof("the other side could not prove its identity: its signature is not of this handshake")
    return identity


class Authentication:
    """One handshake with both proofs. Messages go in the order of the methods; ProtocolError when one is wrong."""

    def __init__(self, crypto, seed, public, initiator, prologue):
        self._crypto = crypto
        self._seed = seed
        self._public = public
        self._initiator = initiator
        keys = crypto.random(2 * KEY_BYTES)
        self._handshake = Handshake(crypto, initiator, prologue, keys[:KEY_BYTES], keys[KEY_BYTES:])

    def first(self):
        """Initiator: message 1."""
        return self._handshake.write(_nothing)

    def second(self, message):
        """Responder: message 2, for message 1."""
        self._handshake.read(message)
        return self._handshake.write(self._prove)

    def third(self, message):
        """Initiator: (the responder's identity, message 3), for message 2."""
        identity = self.identity(message)
        return identity, self._handshake.write(self._prove)

    def identity(self, message):
        """The identity that a message proves (responder: message 3)."""
        bound, payload = self._handshake.read(message)
        static_public = self._handshake.peer_static
        return check(self._crypto, self._public, payload, not self._initiator, static_public, bound)

    def ciphers(self):
        """(to send with, to receive with), after the last message."""
        return self._handshake.split()

    def _prove(self, bound):
        static_public = self._handshake.static_public
        return make(self._crypto, self._seed, self._public, self._initiator, static_public, bound)


def _nothing(_bound):
    return b""


class WrongProof(ProtocolError):
    """Not who it says it is."""

    code = "wrong_proof"


class OwnIdentity(ProtocolError):
    """Ourselves, or a copy of us."""

    code = "own_identity"
