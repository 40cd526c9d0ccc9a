"""What work costs the boards' chip, in instructions: the part of tools/chip_figures.py that runs on QEMU's Cortex-M33.

    chip_costs.py crypto | link | boot | ingest MESSAGES

Prints JSON lines, {"row": …, "instructions": …}. Only the stick's end is counted where a computer's is there, too.
MESSAGES: SignedIntention messages, each behind its length (u16 little-endian). Time must go with the instructions.
"""

import gc
import json
import sys

import lattice_native as native
import lattice_qemu
from _rp2 import Flash

from firmware import main
from lattice_core.link.link import SERIAL, Link
from lattice_core.model.intention import parse_signed
from lattice_core.node import stores
from lattice_core.weaver.weaver import WITNESSED

INSTRUCTIONS_A_TICK = 50
STORE = b"bench-of-ingest!"
NOW_MS = 1700000000000
WARM_UP = 100  # intentions: pages, caches and buffers are there
WARM_UP_BYTES = 16384
LINK_BYTES = 131072
READ_BYTES = 1024  # as firmware/loop.py


def tell(row, ticks, count=1):
    print(json.dumps({"row": row, "instructions": int(ticks * INSTRUCTIONS_A_TICK / count)}))


class Spent:
    """Ticks that were spent within it."""

    def __init__(self):
        self.ticks = 0

    def __enter__(self):
        self._since = lattice_qemu.ticks()

    def __exit__(self, *error):
        self.ticks += lattice_qemu.ticks() - self._since


def each(row, function, times):
    gc.collect()
    gc.disable()
    counted = Spent()
    with counted:
        for _ in range(times):
            function()
    gc.enable()
    tell(row, counted.ticks, times)


def crypto():
    seed, message, kib = bytes(range(32)), bytes(range(32)), bytes(1024)
    public = native.ed25519_public(seed)
    signature = native.ed25519_sign(seed, public, message)
    base = b"\x09" + bytes(31)
    slot, sealed = bytearray(1200), bytearray(1300)

    def seal():
        return native.frame_seal(sealed, slot, 1014, 7, 0, 5, 6, 7, seed, 3)

    end = seal()
    keep = bytes(sealed)

    def open_frame():
        sealed[:] = keep
        native.frame_open(sealed, 0, end, 7, 5, seed, 3)

    each("Ed25519 verify", lambda: native.ed25519_verify(public, message, signature), 5)
    each("Ed25519 sign", lambda: native.ed25519_sign(seed, public, message), 5)
    each("X25519", lambda: native.x25519(seed, base), 5)
    each("BLAKE3 of 1 KiB", lambda: native.blake3_digest(kib), 50)
    each("SHA-256 of 1 KiB", lambda: native.sha256(kib), 50)
    each("seal a frame of 1 KiB (C)", seal, 50)
    each("open a frame of 1 KiB (C)", open_frame, 50)


class CountedLink:
    """A link of the stick's, counted, and one of a computer's."""

    def __init__(self):
        self.now_ms = 0
        self.counted = Spent()
        self.stick = Link(native, b"d" * 32, False, SERIAL, b"bench", 0)
        self.host = Link(native, b"h" * 32, True, SERIAL, b"bench", 0)

    def turn(self, work=lambda: None, host_work=lambda: None):
        """What each has to say goes over; then `work` with the stick's instructions counted."""
        self.now_ms += 1
        host_work()
        while True:
            packet = self.host.send(self.now_ms)
            if packet is None:
                break
            data = memoryview(bytes(packet))
            for at in range(0, len(data), READ_BYTES):
                with self.counted:
                    self.stick.receive(data[at : at + READ_BYTES], self.now_ms)
        with self.counted:
            work()
        while True:
            with self.counted:
                packet = self.stick.send(self.now_ms)
            if packet is None:
                break
            self.host.receive(bytes(packet), self.now_ms)

    def connect(self):
        while self.stick.connection is None or self.host.connection is None:
            self.turn()


def take(stream):
    got = len(stream.peek())
    if got:
        stream.consume(got)
    return got


class Flow:
    """Bytes over a stream, from or to the stick."""

    def __init__(self, line, to_stick):
        self.line = line
        self.mine = line.host.connection.open_stream()
        self.mine.write(b"x")
        self.theirs = None
        while self.theirs is None:
            line.turn()
            self.theirs = line.stick.connection.accept_stream()
        self.data = bytes(4096)
        self.sent = self.arrived = 0
        self.to_stick = to_stick

    def give(self):
        stream = self.mine if self.to_stick else self.theirs
        while True:
            count = stream.write(self.data)
            self.sent += count
            if not count:
                return

    def take(self):
        self.arrived += take(self.theirs if self.to_stick else self.mine)

    def pump(self, size):
        until = self.arrived + size
        while self.arrived < until:
            if self.to_stick:
                self.line.turn(self.take, self.give)
            else:
                self.line.turn(self.give, self.take)


def link():
    gc.threshold(65536)
    line = CountedLink()
    line.connect()
    tell("handshake of a link", line.counted.ticks)
    for row, to_stick in (("1 KiB to the stick over a stream", True), ("1 KiB from the stick over a stream", False)):
        flow = Flow(line, to_stick)
        flow.pump(WARM_UP_BYTES)
        before, arrived = line.counted.ticks, flow.arrived
        flow.pump(LINK_BYTES)
        tell(row, (line.counted.ticks - before) * 1024, flow.arrived - arrived)


class BenchMachine:
    """The firmware's board, without a serial line."""

    crypto = native

    def __init__(self):
        self.flash = Flash()
        self.transports = []
        self.clock = self

    def now_ms(self):
        return 0

    def button_ms(self):
        return 0


def started():
    counted = Spent()
    with counted:
        loop = main.start(BenchMachine())
    return loop, counted


def boot():
    loop, counted = started()
    count = sum([replica.store.count for replica in loop.node.tree.replicas])
    tell("boot with %d intentions" % count if count else "boot of a fresh chip", counted.ticks)


def messages(path):
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return
            yield file.read(head[0] | head[1] << 8)


def ingest(path):
    loop, _ = started()
    node = loop.node
    root = node.create_store("share", stores.ROOT_TYPE, None, NOW_MS)
    handle = node.tree.add(STORE, stores.KV_TYPE, root.id, NOW_MS)
    node.journal.commit(NOW_MS)
    counted = Spent()
    number = 0
    for message in messages(path):
        if number == WARM_UP:
            counted.ticks = 0
        with counted:
            assert handle.weaver.ingest(parse_signed(native, message), NOW_MS) == WITNESSED
            node.journal.commit_due(NOW_MS)
        number += 1
    tell("ingest of an intention", counted.ticks, number - WARM_UP)


{"crypto": crypto, "link": link, "boot": boot, "ingest": ingest}[sys.argv[1]](*sys.argv[2:])
