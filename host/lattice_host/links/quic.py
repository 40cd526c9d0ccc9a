"""A QUIC connection (PyPI `iroh`) as `sync.streams.Connection`: one asyncio task reads and one writes each stream."""

import asyncio
from collections import deque

import iroh
from iroh import iroh_ffi

WINDOW_BYTES = 1 << 18  # of a stream, each way, between the core and iroh
_READ_BYTES = 1 << 16
_Failed = (iroh.IrohError, iroh_ffi.InternalError)


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
            except _Failed:
                return
            self.changed.set()

    async def _watch(self):
        self._end(await self.quic.closed())

    def _end(self, reason):
        self.closed = self.closed or reason or "the connection was closed"
        self.changed.set()

    def open_stream(self, streams=None):
        self._count += 1
        return QuicStream(self, self._count, streams)

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
        self._in, self._out = bytearray(), bytearray()
        self._ended = self._finishing = self._finished = False
        self._read_more, self._write_more = asyncio.Event(), asyncio.Event()
        connection.start(self._run(streams))

    async def _run(self, streams):
        try:
            streams = streams or await self._connection.quic.open_bi()
            await asyncio.gather(self._receive(streams.recv()), self._send(streams.send()))
        except _Failed as error:
            self.reset(self._connection.closed or str(error))

    async def _receive(self, source):
        while self.error is None and not self._ended:
            data = await source.read(_READ_BYTES)
            self._in += data
            self._ended = not data
            self._connection.changed.set()
            while len(self._in) >= WINDOW_BYTES:
                self._read_more.clear()
                await self._read_more.wait()

    async def _send(self, sink):
        while self._out or not self._finishing:
            if self.error is not None:
                return await sink.reset(1)
            if self._out:
                data = bytes(self._out[:_READ_BYTES])
                await sink.write_all(data)
                del self._out[: len(data)]
                self._connection.changed.set()
            else:
                self._write_more.clear()
                await self._write_more.wait()
        await sink.finish()
        await sink.stopped()  # only now the peer has everything
        self._finished = True
        self._connection.changed.set()

    def readable(self):
        return 0 if self.error else len(self._in)

    def read(self, count):
        data = bytes(self._in[:count])
        del self._in[:count]
        self._read_more.set()
        return data

    def at_end(self):
        return self._ended and not self._in

    def writable(self):
        return 0 if self.error else max(WINDOW_BYTES - len(self._out), 0)

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
        self.error = self.error or reason
        self._write_more.set()
        self._connection.changed.set()
