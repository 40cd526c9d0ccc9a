"""The fakes of firmware/board.py: a machine, its transports and its clock in one process, on both interpreters."""

_WAITS = 100  # that a board remembers


class FakeTransport:
    """A pipe whose other end is in the same process. `inbox`, `outbox`: bytes; packets where `packet_bytes` is set."""

    def __init__(self, packet_bytes=0):
        self.packet_bytes = packet_bytes
        self.closed = None
        self.deaf = False  # takes nothing
        self.inbox = [] if packet_bytes else b""
        self.outbox = [] if packet_bytes else b""

    def read_into(self, buffer):
        if not self.inbox:
            return 0
        if self.packet_bytes:
            data = self.inbox.pop(0)
        else:
            data = self.inbox[: len(buffer)]
            self.inbox = self.inbox[len(data) :]
        buffer[: len(data)] = data
        return len(data)

    def send(self, data):
        if self.deaf:
            return 0
        if self.packet_bytes:
            assert len(data) <= self.packet_bytes, len(data)
            self.outbox.append(bytes(data))
            return len(data)
        taken = min(len(data), 700)  # never all of a frame
        self.outbox += bytes(data[:taken])
        return taken

    def take(self):
        """What was sent since the last call: a list of pieces."""
        sent, self.outbox = self.outbox, [] if self.packet_bytes else b""
        if self.packet_bytes:
            return sent
        return [sent] if sent else []

    def give(self, packet):
        """The other end sends."""
        if self.packet_bytes:
            self.inbox.append(bytes(packet))
        else:
            self.inbox += bytes(packet)


class FakeClock:
    def __init__(self):
        self.ms = 5

    def now_ms(self):
        return self.ms


class FakeBoard:
    def __init__(self, crypto, flash=None, transports=None):
        self.crypto = crypto
        self.flash = flash
        self.clock = FakeClock()
        self.transports = [FakeTransport()] if transports is None else transports
        self.shown = []
        self.waits = []

    def button_ms(self):
        return 0

    def show(self, state):
        if self.shown[-1:] != [state]:
            self.shown.append(state)

    def wait(self, timeout_ms, writing):
        if len(self.waits) < _WAITS:
            self.waits.append(timeout_ms)

    def last_words(self):
        return ""

    def restart(self, words):
        self.flash = self.flash.again()


class FarEnd:
    """A computer at the other end of a transport."""

    def __init__(self, transport, endpoint):
        self.transport = transport
        self.endpoint = endpoint

    def turn(self, now_ms):
        """Takes what came, works, sends. True when anything moved."""
        moved = False
        for piece in self.transport.take():
            moved = True
            self.endpoint.receive(piece, now_ms)
        moved = self.endpoint.step(now_ms) or moved
        packet = self.endpoint.send(now_ms)
        while packet is not None:
            moved = True
            self.transport.give(packet)
            packet = self.endpoint.send(now_ms)
        return moved
