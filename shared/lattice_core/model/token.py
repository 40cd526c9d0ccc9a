"""Invite tokens: what a user carries from the inviter to the joiner (docs/protocol.md, "Invites").

Base58Check text, version 0x4C, of an InviteToken message. Field 15 is ours: the keys that may be shown the secret
besides the inviter, so that an invite can be redeemed at a stick that carries it.
"""

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..wire import base58
from ..wire.messages import InviteToken

VERSION = const(0x4C)
LISTED_MAX = const(6)
SECRET_BYTES = const(32)


class Token:
    """`store_id` (16), `secret` (32 when made here), `inviter` (32), `listed`: tuple of further keys."""

    def __init__(self, store_id, secret, inviter, listed=()):
        self.store_id = store_id
        self.secret = secret
        self.inviter = inviter
        self.listed = tuple(listed)

    def may_be_shown_to(self, key):
        """True for the identities that the secret may be given to."""
        return key == self.inviter or key in self.listed

    def invite_id(self, crypto):
        """What the store knows the invite by."""
        return crypto.blake3_digest(self.secret)

    def encode(self, crypto):
        """The token's text."""
        if len(self.listed) > LISTED_MAX:
            raise UsageError("a token lists at most %d keys" % LISTED_MAX)
        message = InviteToken.encode(
            {
                "store_id": self.store_id,
                "secret": self.secret,
                "inviter_pubkey": self.inviter,
                "listed_keys": self.listed,
            }
        )
        return base58.check_encode(VERSION, message, crypto)


def parse(crypto, text):
    """The Token of a text; ProtocolError with the reason when it is none."""
    values = InviteToken.decode(base58.check_decode(VERSION, text, crypto))
    if len(values["inviter_pubkey"]) != 32 or len(values["store_id"]) != 16:
        raise ProtocolError("the token names no inviter or no store")
    # Keys of another length, and more than we would list ourselves, are a newer node's: not ours to use.
    listed = [key for key in values["listed_keys"] if len(key) == 32][:LISTED_MAX]
    return Token(values["store_id"], values["secret"], values["inviter_pubkey"], listed)
