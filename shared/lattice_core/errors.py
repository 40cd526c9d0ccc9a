"""The errors that may leave the core. Nothing else escapes it.

Remote misbehaviour and local misuse are different types: a session catches `ProtocolError` at one
place, closes the stream or the link and changes nothing; a `UsageError` is a caller's mistake and is
shown to that caller. A text says what happened, the likely cause and the next step; it never holds a
secret. A code says the same to a program: a word that stays when the text gets better (docs/errors.md).
"""


class LatticeError(Exception):
    """Base of all errors of the core. `str(error)` is the text, `error.code` the code: of its class, unless one is
    given."""

    code = "failed"

    def __init__(self, text: str = "", code: str | None = None) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code


class ProtocolError(LatticeError):
    """A peer or a disk sent bytes that break the rules. Nothing was changed."""

    code = "protocol"


class UsageError(LatticeError):
    """The caller asked for something that cannot be done. Nothing was changed."""

    code = "impossible"


class Refused(LatticeError):
    """This node says no to a peer, or to what a peer would need for it. Nothing was changed."""

    code = "refused"


class RefusedByPeer(Refused):
    """The peer says no to this node, in its words. Nothing was changed."""

    code = "refused_by_peer"


class StorageError(LatticeError):
    """The medium failed or holds damaged data; what was committed before stays readable."""

    code = "storage"


class StorageFull(StorageError):
    """No room for this write. Nothing of it was stored; what is stored stays readable."""

    code = "no_space"
