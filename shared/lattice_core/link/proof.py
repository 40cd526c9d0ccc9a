"""Who is at the other end: an Ed25519 identity, bound to one Noise handshake by a signature.

The payload of the second and third handshake message is `identity (32) ‖ signature (64)`. Signed is
"lattice-nano link 1" ‖ role ‖ X25519 static key ‖ handshake hash so far: 84 bytes, never bare 32, which is what an
intention's signature covers. The role stops a peer from sending our own proof back.
"""

from ..compat import const
from ..errors import ProtocolError

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


class WrongProof(ProtocolError):
    """Not who it says it is."""


class OwnIdentity(ProtocolError):
    """Ourselves, or a copy of us."""
