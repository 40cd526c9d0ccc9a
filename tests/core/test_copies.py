"""How often a byte is copied between a serial port and the log of a stick: into the loop's buffer, the pipe's, the
stream's, and the bytes that the log is given. Opening a frame changes it where it lies.

What is allocated on the way shows every other copy: the three buffers are there before."""

import gc

from lattice_core.link.link import SERIAL, Link
from lattice_core.seams import BytesBody
from lattice_core.sync.nano.message_stream import ITEM, MessageStream
from lattice_core.wire.nano_messages import ITEM_HEAD_BYTES, ITEM_KEY
from support import Rng, crypto

ITEMS = 12  # more than the stream's buffer holds: some lie in two pieces
BODY_BYTES = 1900
ON_STICK = hasattr(gc, "mem_alloc")  # the collector tells what was allocated; nothing is freed while it is off


class Allocated:
    """Bytes allocated inside a `with`: on a stick all of them, on a computer the most there were at once."""

    def __enter__(self):
        gc.collect()
        if ON_STICK:
            gc.disable()
            self.before = gc.mem_alloc()
        else:
            import tracemalloc

            tracemalloc.start()
            self.before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, kind, error, trace):
        if ON_STICK:
            self.bytes = gc.mem_alloc() - self.before
            gc.enable()
        else:
            import tracemalloc

            self.bytes = tracemalloc.get_traced_memory()[1] - self.before
            tracemalloc.stop()


class CountedLine:
    """Two links on one line. What goes to the stick waits in `frames`."""

    def __init__(self):
        platform = crypto()
        self.host = Link(platform, b"h" * 32, True, SERIAL, b"test", 0)
        self.stick = Link(platform, b"s" * 32, False, SERIAL, b"test", 0)
        self.ms = 0
        self.frames = []

    def collect(self):
        self.ms += 1
        packet = self.host.send(self.ms)
        while packet is not None:
            self.frames.append(bytes(packet))
            packet = self.host.send(self.ms)

    def answer(self):
        packet = self.stick.send(self.ms)
        while packet is not None:
            self.host.receive(packet, self.ms)
            packet = self.stick.send(self.ms)

    def connect(self):
        while self.stick.connection is None or self.host.connection is None:
            self.collect()
            for frame in self.frames:
                self.stick.receive(frame, self.ms)
            self.frames = []
            self.answer()


def test_four_copies_between_port_and_log():
    line = CountedLine()
    line.connect()
    bodies = [Rng(number + 1).bytes(BODY_BYTES) for number in range(ITEMS)]
    sending = MessageStream(line.host.connection.open_stream())
    for body in bodies:
        sending.post_bulk(ITEM_KEY, bytes(ITEM_HEAD_BYTES), BytesBody(body))
    port = bytearray(1040)  # the loop's
    view = memoryview(port)
    taking = None
    got = []
    in_two_pieces = 0
    while len(got) < ITEMS:
        sending.flush()
        line.collect()
        assert line.frames or got
        for frame in line.frames:
            port[: len(frame)] = frame  # the first copy
            with Allocated() as on_arrival:
                line.stick.receive(view[: len(frame)], line.ms)
            if ON_STICK and len(frame) > 900 and taking is not None:  # the stream has its buffer
                assert on_arrival.bytes < 700, on_arrival.bytes  # the second and third copy: into what is there
        line.frames = []
        if taking is None:
            taking = MessageStream(line.stick.connection.accept_stream())
        while True:
            frame = taking.poll()
            if frame is None:
                break
            assert frame == ITEM
            in_two_pieces += taking._at < 0
            with Allocated() as on_taking:
                signature, body = taking.payload(ITEM_HEAD_BYTES)
            assert on_taking.bytes < 1.5 * BODY_BYTES, (on_taking.bytes, in_two_pieces)  # the fourth
            assert signature == bytes(ITEM_HEAD_BYTES)
            got.append(body)
        line.answer()
    assert got == bodies
    assert 0 < in_two_pieces < ITEMS
