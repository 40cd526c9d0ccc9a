"""QUIC (PyPI `iroh`) as the core's `sync.streams.Connection`: one asyncio task reads and one writes each stream.

Never a relay or a look-up: nodes dial addresses that they know. `drive` steps a NanoPeer or RefPeer over a connection.
"""

import asyncio
import time
from collections import deque

import iroh
from iroh import iroh_ffi

from lattice_core.sync.streams import ALPN_NANO, ALPN_SYNC

WINDOW_BYTES = 1 << 18  # of a stream, each way, between the core and iroh
_READ_BYTES = 1 << 16
_DEADLINE_S = 0.5
_Failed = (iroh.IrohError, iroh_ffi.InternalError)


async def bind(seed, address="127.0.0.1:0", alpns=(ALPN_NANO, ALPN_SYNC)):
    """An endpoint whose identity is the node's own."""
    iroh_ffi.uniffi_set_event_loop(asyncio.get_running_loop())
    return await iroh.Endpoint.bind(
        iroh.EndpointOptions(
            preset=iroh.preset_minimal(),
            relay_mode=iroh.RelayMode.disabled(),
            secret_key=seed,
            bind_addr=address,
            alpns=[alpn.encode() for alpn in alpns],
        )
    )


async def dial(endpoint, key, addresses, alpn):
    target = iroh.EndpointAddr(iroh.EndpointId.from_bytes(key), None, addresses)
    return QuicConnection(endpoint, await endpoint.connect(target, alpn.encode()), True)


async def accept(endpoint):
    """The next connection that somebody makes; None when the endpoint is closed."""
    incoming = await endpoint.accept_next()
    if incoming is None:
        return None
    return QuicConnection(endpoint, await (await incoming.accept()).connect(), False)


async def drive(peer, connection, done):
    """Steps the peer until `done()` is true or the connection is closed."""
    while not done() and connection.closed is None:
        connection.changed.clear()
        if peer.step(int(time.time() * 1000)):
            await asyncio.sleep(0)
            continue
        try:
            await asyncio.wait_for(connection.changed.wait(), _DEADLINE_S)
        except TimeoutError:
            continue


class QuicConnection:
    def __init__(self, endpoint, connection, initiator):
        self.local = endpoint.id().to_bytes()
        self.peer = connection.remote_id().to_bytes()
        self.alpn = connection.alpn().decode()
        self.initiator = initiator
        self.closed = None
        self.changed = asyncio.Event()
        self._connection = connection
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
                streams = await self._connection.accept_bi()
            except _Failed:
                return
            self._arrived.append(self._stream(streams))
            self.changed.set()

    async def _watch(self):
        self._end(await self._connection.closed())

    def _end(self, reason):
        self.closed = self.closed or reason or "the connection was closed"
        self.changed.set()

    def _stream(self, streams=None):
        self._count += 1
        return QuicStream(self, self._count, self._connection, streams)

    def open_stream(self):
        return self._stream()

    def accept_stream(self):
        return self._arrived.popleft() if self._arrived else None

    def close(self, reason):
        """Gives everything up that is not yet delivered: end streams first."""
        self._end(reason)
        self._connection.close(0, reason.encode())


class QuicStream:
    def __init__(self, connection, number, quic, streams):
        self.id = number
        self.error = None
        self._connection = connection
        self._in = bytearray()
        self._out = bytearray()
        self._ended = self._finishing = self._finished = False
        self._read_more, self._write_more = asyncio.Event(), asyncio.Event()
        connection.start(self._run(quic, streams))

    async def _run(self, quic, streams):
        try:
            streams = streams or await quic.open_bi()
            self._connection.start(self._receive(streams.recv()))
            await self._send(streams.send())
        except _Failed as error:
            self._fail(error)

    async def _receive(self, source):
        try:
            while self.error is None:
                data = await source.read(_READ_BYTES)
                self._in += data
                self._ended = not data
                self._connection.changed.set()
                if self._ended:
                    return
                while len(self._in) >= WINDOW_BYTES:
                    self._read_more.clear()
                    await self._read_more.wait()
        except _Failed as error:
            self._fail(error)

    async def _send(self, sink):
        while self._out or not self._finishing:
            self._write_more.clear()
            if self.error is not None:
                await sink.reset(1)
                return
            if self._out:
                data = bytes(self._out[:_READ_BYTES])
                await sink.write_all(data)
                del self._out[: len(data)]
                self._connection.changed.set()
            elif not self._finishing:
                await self._write_more.wait()
        await sink.finish()
        await sink.stopped()  # only now the peer has everything
        self._finished = True
        self._connection.changed.set()

    def _fail(self, error):
        self.error = self.error or self._connection.closed or str(error) or "the stream was reset"
        self._write_more.set()
        self._connection.changed.set()

    def readable(self):
        return len(self._in)

    def read(self, count):
        data = bytes(self._in[:count])
        del self._in[:count]
        self._read_more.set()
        return data

    def at_end(self):
        return self._ended and not self._in

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

    def reset(self):
        self._fail("given up by this side")
