"""Bodies that arrive in pieces. A host has room to hold one: the largest intention is about 1 MiB."""

from lattice_core.errors import StorageFull, UsageError
from lattice_core.seams import BytesBody


class MemoryBodyWriter:
    """Collects up to `size` bytes in memory (lattice_core.storage.contract.BodyWriter)."""

    def __init__(self, size, room):
        if size > room:
            raise StorageFull("no room for %d bytes, %d are left on this disk" % (size, max(room, 0)))
        self._size = size
        self._data = bytearray()

    def write(self, data):
        if self._data is None:
            raise UsageError("this body is complete, nothing can be added")
        if len(self._data) + len(data) > self._size:
            raise UsageError("more than the %d bytes that were announced" % self._size)
        self._data += data

    def body(self):
        if self._data is None:
            raise UsageError("this body was taken or discarded before")
        body = BytesBody(bytes(self._data))
        self._data = None
        return body

    def discard(self):
        self._data = None


def body_bytes(body):
    """All bytes of a Body, or of bytes given as they are."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return body.read(0, body.size)
