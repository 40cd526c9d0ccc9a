"""A pipe that takes longer packets once a connection stands: BLE agrees on its packet size after it has connected."""

from support import Rng
from support.fake_line import Faults, LinkPair

_BYTES = 6000


class GrowingTransfer:
    """Bytes each way on one stream; `at` is called once when half of them have arrived."""

    def __init__(self, pair, at):
        self.pair = pair
        self.at = at
        a, _ = pair.connect()
        self.data = Rng(5).bytes(_BYTES)
        self.mine, self.theirs = a.open_stream(), None
        self.sent, self.got = [0, 0], [b"", b""]

    def step(self, _now):
        if self.theirs is None:
            self.theirs = self.pair.b.connection.accept_stream()
        for side, stream in enumerate((self.mine, self.theirs)):
            if stream is not None:
                self.sent[side] += stream.write(memoryview(self.data)[self.sent[side] :])
                self.got[side] += stream.read(4000)
        if self.at is not None and len(self.got[1]) >= _BYTES // 2:
            at, self.at = self.at, None
            at(self.pair)
        return True

    def run(self):
        connections = (self.pair.a.connection, self.pair.b.connection)
        assert self.pair.run(lambda: self.got[0] == self.got[1] == self.data, self.step), [len(x) for x in self.got]
        assert (self.pair.a.connection, self.pair.b.connection) == connections, "the connection went on"
        assert self.at is None


def _sizes(line):
    """Notes the length of each packet that goes over a line from now on."""
    sizes = []
    put = line.put

    def note(data, now):
        sizes.append(len(data))
        put(data, now)

    line.put = note
    return sizes


def test_packets_grow_in_the_middle_of_a_transfer():
    for before, after in ((20, 185), (20, 1024), (185, 517), (185, 3000)):
        sizes = []

        def grow(pair, after=after, sizes=sizes):
            sizes.append(_sizes(pair.to_a))
            pair.a.set_packet_bytes(after)
            pair.b.set_packet_bytes(after)

        GrowingTransfer(LinkPair(Rng(before + after), before), grow).run()
        assert before < max(sizes[0]) <= min(after, 1024), (before, after)


def test_one_side_learns_it_later_than_the_other():
    """What is too long for the other side is lost until it knows, and then sent again."""
    for late in ("a", "b"):
        pair = LinkPair(Rng(9), 20)
        later = []

        def grow(pair, late=late, later=later):
            (pair.b if late == "a" else pair.a).set_packet_bytes(185)
            later.append(pair.now + 700)

        transfer = GrowingTransfer(pair, grow)
        step = transfer.step

        def follow(now, pair=pair, late=late, later=later, step=step):
            if later and now >= later[0]:
                later[0] = 1 << 40
                (pair.a if late == "a" else pair.b).set_packet_bytes(185)
            return step(now)

        transfer.step = follow
        transfer.run()
        assert later[0] == 1 << 40


def test_a_bad_pipe_grows_too():
    for seed in range(6):
        pair = LinkPair(Rng(seed), 20, Faults(lose=20, double=20, damage=20, reorder=40))

        def grow(pair):
            pair.a.set_packet_bytes(244)
            pair.b.set_packet_bytes(244)

        GrowingTransfer(pair, grow).run()


def test_a_pipe_never_shrinks_and_a_serial_line_has_one_size():
    pair = LinkPair(Rng(1), 185)
    pair.a.set_packet_bytes(20)
    assert pair.a._pipe.packet_bytes == 185
    serial = LinkPair(Rng(1))
    before = serial.a._pipe.packet_bytes
    serial.a.set_packet_bytes(4096)
    assert serial.a._pipe.packet_bytes == before
