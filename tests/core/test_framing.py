"""sync.framing: frames on a stream that gives and takes bytes in pieces."""

from lattice_core.errors import LatticeError, ProtocolError, UsageError
from lattice_core.limits import FRAME_BYTES
from lattice_core.sync.common.tasks import Task
from lattice_core.sync.reference import framing
from support import Rng, drain, raises


class Stream:
    """Both ends of one direction: takes at most `window` bytes, gives at most `piece` a read."""

    def __init__(self, piece=1 << 20, window=1 << 20):
        self.piece = piece
        self.window = window
        self.data = bytearray()
        self.ended = False
        self.error = None

    def write(self, data):
        count = min(len(data), self.window - len(self.data))
        self.data.extend(data[:count])
        return count

    def read(self, count):
        count = min(count, self.piece, len(self.data))
        piece = bytes(self.data[:count])
        self.data = self.data[count:]
        return piece

    def at_end(self):
        return self.ended and not self.data


def test_bytes_of_a_frame():
    assert framing.frame(b"") == bytes(4)
    assert framing.frame(b"abc") == b"\x00\x00\x00\x03abc"


def test_frames_cross_a_small_window_in_pieces():
    rng = Rng(51)
    stream = Stream(piece=3, window=7)
    payloads = [rng.bytes(size) for size in (0, 1, 4, 50, 3, 0)]

    def send():
        for payload in payloads:
            data = framing.frame(payload)
            while data:
                data = data[stream.write(data) :]
                yield
        stream.ended = True

    def receive():
        got = []
        while True:
            payload = yield from framing.read_frame(stream)
            if payload is None:
                return got
            got.append(payload)

    sender, receiver = Task(send()), Task(receive())
    for _ in range(500):
        sender.step(0)
        if receiver.step(0):
            break
    assert receiver.error is None
    assert receiver.result == payloads


def ended(data):
    stream = Stream()
    stream.data.extend(data)
    stream.ended = True
    return stream


def test_ends():
    assert drain(framing.read_frame(ended(b""))) is None
    assert drain(framing.read_frame(ended(b"\x00\x00\x00\x00"))) == b""
    assert drain(framing.read_frame(ended(b"\x00\x00\x00\x05"))) is None
    for data in (b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x02a"):
        raises(ProtocolError, drain, framing.read_frame(ended(data)))


def test_limits():
    raises(ProtocolError, drain, framing.read_frame(ended(b"\x00\x80\x00\x01")))
    raises(ProtocolError, drain, framing.read_frame(ended(b"\x00\x00\x00\x05hello"), 4))
    assert drain(framing.read_frame(ended(b"\x00\x00\x00\x05hello"), 5)) == b"hello"
    assert framing.header(FRAME_BYTES) == b"\x00\x80\x00\x00"
    raises(UsageError, framing.header, FRAME_BYTES + 1)


def test_a_lost_stream_is_an_error():
    stream = Stream()
    stream.data.extend(b"\x00\x00\x00\x05he")
    task = Task(framing.read_frame(stream))
    assert not task.step(0)
    stream.error = "the cable was pulled"
    assert task.step(0)
    assert isinstance(task.error, LatticeError)
