"""Frames on a stream: u32 big-endian length, then that many bytes. Tasks over `sync.streams`.

A stream that ends right behind a length counts as ended orderly, as the reference reads it; one that ends inside
a length or a payload is an error.
"""

from ...errors import ProtocolError, UsageError
from ...limits import FRAME_BYTES
from ..common.tasks import read_exactly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from ..common.streams import Stream

HEADER_BYTES = 4


def header(size: int) -> bytes:
    """The 4 length bytes of a frame."""
    if size > FRAME_BYTES:
        raise UsageError("a frame of %d bytes is over the limit of %d" % (size, FRAME_BYTES))
    return size.to_bytes(4, "big")


def frame(payload: bytes) -> bytes:
    """Length and payload as one piece."""
    return header(len(payload)) + payload


def read_header(stream: "Stream", limit: int = FRAME_BYTES) -> "Generator[None, int, int]":
    """Task: the size of the next frame, or -1 when the stream has ended orderly."""
    head = yield from read_exactly(stream, HEADER_BYTES)
    if head is None:
        return -1
    size = int.from_bytes(head, "big")
    if size > limit:
        raise ProtocolError("a frame of %d bytes, at most %d are allowed here" % (size, limit))
    return size


def read_frame(stream: "Stream", limit: int = FRAME_BYTES) -> "Generator[None, int, bytes | None]":
    """Task: the next payload, or None when the stream has ended orderly."""
    size = yield from read_header(stream, limit)
    if size < 0:
        return None
    if size == 0:
        return b""
    return (yield from read_exactly(stream, size))
