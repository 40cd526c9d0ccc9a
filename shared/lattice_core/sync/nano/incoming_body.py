"""A payload too large to hold: hashed into storage as it arrives, visible only when its taker has verified it."""

from ...compat import ABSENT, const
from ...errors import StorageFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...node.node import Node
    from ...storage.contract import BodyWriter
    from .message_stream import MessageStream

_TAKE_BYTES = const(4096)
_PIECES_AT_ONCE = const(4)  # then the others have their turn


class IncomingBody:
    """The current `Large` of `frames`: `head_bytes` that are kept in `head`, then the body.

    `reason` says why the body is not stored (no room): it is then read and thrown away, and the stream goes on.
    `content`: it is no intention, and room may be kept for those. `store` False: it is thrown away in any case.
    """

    def __init__(
        self,
        node: "Node",
        frames: "MessageStream",
        size: int,
        head_bytes: int,
        content: bool = False,
        store: bool = True,
    ):
        self.frames = frames
        self.head = b""
        self.size = size - head_bytes
        self.reason: str | None = None
        self.hasher = node.crypto.blake3()
        self._head_bytes = head_bytes
        self._writer: BodyWriter = ABSENT
        if not store:
            return
        try:
            self._writer = node.storage.body_writer(self.size, content)
        except StorageFull:
            self.reason = "there is no room for %d bytes, %d are left" % (self.size, node.storage.room())

    def take(self) -> int:
        """Moves what is there from the stream into storage; returns how many bytes."""
        moved = 0
        for _ in range(_PIECES_AT_ONCE):
            piece = self.frames.take(_TAKE_BYTES)
            if not piece:
                break
            moved += len(piece)
            if len(self.head) < self._head_bytes:
                missing = self._head_bytes - len(self.head)
                self.head += piece[:missing]
                piece = piece[missing:]
            if piece and self._writer is not ABSENT:
                self._write(piece)
        return moved

    def complete(self) -> bool:
        return self.frames.large_left() == 0

    def _write(self, piece):
        self.hasher.update(piece)
        try:
            self._writer.write(piece)
        except StorageFull:
            self.discard()
            self.reason = "the medium became full while %d bytes arrived" % self.size

    def body(self):
        """The body in storage. Ends the writing."""
        return self._writer.body()

    def discard(self) -> None:
        """Gives the room back, of a complete body too unless a store has taken it."""
        if self._writer is not ABSENT:
            self._writer.discard()
            self._writer = ABSENT
