"""A QUIC connection (PyPI `iroh`) as `sync.streams.Connection`: one asyncio task reads and one writes each stream."""

import asyncio
from collections import deque

import iroh
from iroh import iroh_ffi

WINDOW_BYTES = 1 << 18  # of a stream, each way, between the core and iroh
_READ_BYTES = 1 << 16
_GIVEN_UP = 1  # the code that says so
Failed = (iroh.IrohError, iroh_ffi.InternalError)


def words(error: Exception) -> str:
    """What an error of the binding says: `str` of it is empty, and its message names by a code what befell a stream."""
    text = error.message() if isinstance(error, iroh.IrohError) else str(error)
    if text.startswith(("Reset(", "Stopped(")):
        return "the other side gave this stream up"
    return text or type(error).__name__


class QuicConnection:
    """`changed` is set whenever the core should look again."""

    def __init__(self, endpoint, connection, initiator):
        self.local = endpoint.id().to_bytes()
        self.peer = connection.remote_id().to_bytes()
        self.alpn = connection.alpn().decode()
        self.initiator = initiator
        self.closed = None
        self.changed = asyncio.Event()
        self.quic = connection
        self._arrived = deque()
        self._streams = set()
        self._count = 0
        self._tasks = set()
        self.start(self._accept())
        self.start(self._watch())

    def start(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self):
        while self.closed is None:
            try:
                self._arrived.append(self.open_stream(await self.quic.accept_bi()))
            except Failed:
                return
            self.changed.set()

    async def _watch(self):
        self._end(await self.quic.closed())

    def _end(self, reason):
        self.closed = self.closed or reason or "the connection was closed"
        for stream in list(self._streams):
            if not stream.over():
                stream.reset(self.closed)
        self.changed.set()

    def open_stream(self, streams=None):
        self._count += 1
        stream = QuicStream(self, self._count, streams)
        self._streams.add(stream)
        return stream

    def forget(self, stream):
        """Nothing moves on it any more."""
        self._streams.discard(stream)

    def accept_stream(self):
        return self._arrived.popleft() if self._arrived else None

    def close(self, reason):
        self._end(reason)
        self.quic.close(0, reason.encode())


class QuicStream:
    def __init__(self, connection, number, streams):
        self.id = number
        self.error = None
        self._connection = connection
        self._in: deque[bytes] = deque()  # pieces as they came
        self._in_at = 0  # bytes of the first piece that were read
        self._in_bytes = 0  # not read yet
        self._out = bytearray()
        self._ended = self._finishing = self._finished = False
        self._read_more, self._write_more, self._given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        connection.start(self._run(streams))

    async def _run(self, streams):
        try:
            streams = streams or await self._connection.quic.open_bi()
            await self._move(streams.recv(), streams.send())
        except Failed as error:
            self._fail(error)
        finally:
            self._connection.forget(self)

    async def _move(self, source, sink):
        """Both directions, until both are over or the stream is given up by either side."""
        halves = [asyncio.create_task(self._half(work)) for work in (self._receive(source), self._send(sink))]
        given_up = asyncio.create_task(self._given_up.wait())
        both = asyncio.gather(*halves, return_exceptions=True)
        await asyncio.wait([both, given_up], return_when=asyncio.FIRST_COMPLETED)
        given_up.cancel()
        if self.error is None:
            return
        # The binding's `stop` and `reset` wait as long as a read or a write is under way.
        for half in halves:
            half.cancel()
        await asyncio.wait(halves)
        for ending in (sink.reset(_GIVEN_UP), source.stop(_GIVEN_UP)):
            try:
                await ending
            except Failed:
                continue  # this direction is over already

    async def _half(self, work):
        try:
            await work
        except Failed as error:
            self._fail(error)

    def _fail(self, error):
        self.reset(self._connection.closed or words(error))

    async def _receive(self, source):
        while not self._ended:
            data = await source.read(_READ_BYTES)
            if data:
                self._in.append(data)
                self._in_bytes += len(data)
            self._ended = not data
            self._connection.changed.set()
            while self._in_bytes >= WINDOW_BYTES:
                self._read_more.clear()
                await self._read_more.wait()

    async def _send(self, sink):
        while self._out or not self._finishing:
            if self._out:
                data = bytes(self._out[:_READ_BYTES])
                await sink.write_all(data)
                del self._out[: len(data)]
                self._connection.changed.set()
            else:
                self._write_more.clear()
                await self._write_more.wait()
        await sink.finish()
        if await sink.stopped() is not None:  # None: the peer has everything
            return self.reset("the other side gave this stream up")
        self._finished = True
        self._connection.changed.set()
        return None

    def over(self):
        """True when both directions have ended orderly: what was not read yet stays there."""
        return self._ended and self._finished

    def readable(self):
        return self._in_bytes if self.error is None else 0

    def read(self, count):
        parts = []
        while count and self._in:
            piece = self.peek()[:count]
            parts.append(bytes(piece))
            count -= len(piece)
            self.consume(len(piece))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def peek(self):
        return memoryview(self._in[0])[self._in_at :] if self._in else b""

    def consume(self, count):
        if not count:
            return
        self._in_at += count
        self._in_bytes -= count
        if self._in_at == len(self._in[0]):
            self._in.popleft()
            self._in_at = 0
        self._read_more.set()

    def need(self, count):
        return count <= WINDOW_BYTES

    def ended(self):
        return self._ended

    def at_end(self):
        return self._ended and not self._in_bytes

    def writable(self):
        return max(WINDOW_BYTES - len(self._out), 0) if self.error is None else 0

    def write(self, data):
        taken = data[: self.writable()]
        self._out += taken
        self._write_more.set()
        return len(taken)

    def finish(self):
        self._finishing = True
        self._write_more.set()

    def finished(self):
        return self._finished

    def reset(self, reason="given up by this side"):
        if self.error is None:
            self.error = reason
            self._given_up.set()
            self._connection.changed.set()
