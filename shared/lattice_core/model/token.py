"""Invite tokens: what a user carries from the inviter to the joiner (docs/protocol.md, "Invites").

Base58Check text, version 0x4C, of an InviteToken message. Two fields are ours: 15, the keys that may be shown the
secret besides the inviter, so that an invite can be redeemed at a stick that carries it; 14, when it expires.
"""

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..wire import base58
from ..wire.protobuf import Message
from .hlc import is_over

VERSION = const(0x4C)
LISTED_MAX = const(6)
SECRET_BYTES = const(32)

# Here and not with the other messages: a stick makes no invites and reads none.
InviteToken = Message(
    "InviteToken",
    (
        (1, "store_id", "bytes"),
        (2, "secret", "bytes"),
        (3, "inviter_pubkey", "bytes"),
        # What only Nano nodes read; the reference skips it.
        (14, "expires_s", "uint64"),
        (15, "listed_keys", "bytes", "*"),
    ),
)


class Token:
    """`store_id` (16), `secret` (32 when made here), `inviter` (32), `listed`: tuple of further keys, `expires_s`: when
    it expires in seconds since 1970, 0 for never."""

    def __init__(self, store_id, secret, inviter, listed=(), expires_s=0):
        self.store_id = store_id
        self.secret = secret
        self.inviter = inviter
        self.listed = tuple(listed)
        self.expires_s = expires_s

    def may_be_shown_to(self, key):
        """True for the identities that the secret may be given to."""
        return key == self.inviter or key in self.listed

    def is_over(self, now_ms):
        """True when it has expired by this clock; without one nobody knows."""
        return is_over(self.expires_s, now_ms)

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
                "expires_s": self.expires_s,
            }
        )
        return base58.check_encode(VERSION, message, crypto)


def parse(crypto, text):
    """The Token of a text; ProtocolError with the reason when it is none."""
    values = InviteToken.decode(base58.check_decode(VERSION, text, crypto))
    if len(values["inviter_pubkey"]) != 32 or len(values["store_id"]) != 16:
        raise ProtocolError("the token names no inviter or no store", "bad_token")
    # Keys of another length, and more than we would list ourselves, are a newer node's: not ours to use.
    listed = [key for key in values["listed_keys"] if len(key) == 32][:LISTED_MAX]
    return Token(values["store_id"], values["secret"], values["inviter_pubkey"], listed, values["expires_s"])
