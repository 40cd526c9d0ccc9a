"""The errors that may leave the core. Nothing else escapes it.

Remote misbehaviour and local misuse are different types: a session catches `ProtocolError` at one
place, closes the stream or the link and changes nothing; a `UsageError` is a caller's mistake and is
shown to that caller. Texts say what happened, the likely cause and the next step; they never hold a
secret.
"""


class LatticeError(Exception):
    """Base of all errors of the core."""


class ProtocolError(LatticeError):
    """A peer or a disk sent bytes that break the rules. Nothing was changed."""


class UsageError(LatticeError):
    """The caller asked for something that cannot be done. Nothing was changed."""


class Refused(LatticeError):
    """The other side answered no, in words (`str(error)`). Nothing was changed."""


class StorageError(LatticeError):
    """The medium failed or holds damaged data; what was committed before stays readable."""


class StorageFull(StorageError):
    """No room for this write. Nothing of it was stored; what is stored stays readable."""
