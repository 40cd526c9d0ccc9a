"""Cutting a stream into chunks by content: FastCDC 2020 with the parameters of docs/protocol.md, "Files".

Where the cuts fall decides nothing but how well versions share chunks: readers follow the chunk list.
"""

from collections.abc import Iterator
from io import BufferedReader

from pyfastcdc import FastCDC

from lattice_core.files.chunks import CHUNK_BYTES

_KIB = 1024
MIN_BYTES = 4 * _KIB
AVERAGE_BYTES = 16 * _KIB
NORMALIZATION = 1
SEED = 0

_CUTTER = FastCDC(AVERAGE_BYTES, min_size=MIN_BYTES, max_size=CHUNK_BYTES, normalized_chunking=NORMALIZATION, seed=SEED)


def cut(stream: BufferedReader) -> Iterator[bytes]:
    """The chunks of a stream in order, none for an empty one. Reads it once, holding a chunk at a time."""
    for chunk in _CUTTER.cut_stream(_Source(stream)):
        yield bytes(chunk.data)


class _Source:
    """A stream with the parameter names that pyfastcdc asks for."""

    def __init__(self, stream: BufferedReader):
        self._stream = stream

    def readinto(self, b: memoryview) -> int:
        return self._stream.readinto(b)
