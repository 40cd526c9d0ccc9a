"""A node's identity: an Ed25519 key pair made from a 32-byte seed."""

from ..errors import UsageError


class Identity:
    """`public`: 32 bytes, the node's id. `seed`: 32 secret bytes."""

    __slots__ = ("_crypto", "public", "seed")

    def __init__(self, crypto, seed):
        if len(seed) != 32:
            raise UsageError("an identity's seed has 32 bytes, not %d" % len(seed))
        self._crypto = crypto
        self.seed = bytes(seed)
        self.public = crypto.ed25519_public(self.seed)

    def sign(self, message):
        """The deterministic signature (64 bytes) over a 32-byte hash."""
        return self._crypto.ed25519_sign(self.seed, self.public, message)


def generate(crypto):
    """A fresh identity from the system's randomness."""
    return Identity(crypto, crypto.random(32))
