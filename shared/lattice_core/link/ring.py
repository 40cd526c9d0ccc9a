"""A bounded byte queue in one preallocated buffer: bytes go in and out by slices, nothing moves."""

from ..compat import joined


class Ring:
    def __init__(self, buffer: bytearray):
        self.buffer = buffer
        self._view = memoryview(buffer)
        self._size = len(buffer)
        self._start = 0
        self.count = 0

    def room(self) -> int:
        return self._size - self.count

    def put(self, data: memoryview) -> None:
        """Takes a memoryview of at most `room()` bytes."""
        length = len(data)
        at = self._start + self.count
        if at >= self._size:
            at -= self._size
        first = self._size - at
        if length <= first:
            self._view[at : at + length][:] = data
        else:
            self._view[at:][:] = data[:first]
            self._view[: length - first][:] = data[first:]
        self.count += length

    def peek(self) -> memoryview:
        """The bytes at the front that lie in one piece, where they lie: a view that is good until something else is
        called. There may be more behind the end of the buffer."""
        end = self._start + self.count
        return self._view[self._start : end if end < self._size else self._size]

    def skip(self, count: int) -> None:
        """Drops `count` bytes (at most `self.count`) from the front."""
        self.count -= count
        if self.count == 0:
            self._start = 0  # what comes next lies in one piece
        else:
            self._start += count
            if self._start >= self._size:
                self._start -= self._size

    def take_into(self, target: memoryview) -> None:
        """Moves len(target) bytes (at most `count`) into a memoryview."""
        length = len(target)
        at = self._start
        first = self._size - at
        if length < first:
            target[:] = self._view[at : at + length]
            self._start = at + length
        else:
            target[:first][:] = self._view[at:]
            target[first:][:] = self._view[: length - first]
            self._start = length - first
        self.count -= length
        if self.count == 0:
            self._start = 0

    def take(self, count: int) -> bytes:
        """At most `count` bytes, as bytes."""
        length = min(count, self.count)
        at = self._start
        if at + length <= self._size:
            data = bytes(self._view[at : at + length])
            self.skip(length)
            return data
        data = joined(self._view[at:], self._view[: at + length - self._size])
        self.skip(length)
        return data
