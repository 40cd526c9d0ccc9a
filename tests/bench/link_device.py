"""The emulator's side of bench_link.py: takes or gives bytes over a serial port, raw or through a link.

micropython tests/bench/link_device.py FD (raw|link) (take|give) BYTES
"""

import sys
import time

import lattice_native

from firmware.ports import unix
from lattice_core.link.link import SERIAL, Link

READ_BYTES = 4096  # as the firmware's loop
WRITE_BYTES = 1030  # a full frame


class Serial(unix.Serial):
    """With the names that older revisions have, which are compared with."""

    if not hasattr(unix.Serial, "readinto"):

        def readinto(self, buffer):
            return self.read_into(buffer)

        def write(self, data):
            return self.send(data)


def raw(serial, take, count):
    buffer = bytearray(READ_BYTES)
    view = memoryview(buffer)
    if take:
        while count:
            got = serial.readinto(buffer)
            if got:
                count -= got
            else:
                serial.wait(1000, False)
        serial.write(b"k")  # all there
    else:
        while count:
            size = min(count, WRITE_BYTES)
            sent = serial.write(view[:size])
            if sent:
                count -= sent
            else:
                serial.wait(1000, True)


def taken(stream, into):
    """Bytes that a stream gave, as its readers take them."""
    if not hasattr(stream, "peek"):  # an older revision, which is compared with
        return stream.readinto(into)
    got = len(stream.peek())
    stream.consume(got)
    return got


class LinkEnd:
    """What the firmware's loop does for a link, and one stream."""

    def __init__(self, serial, take, count):
        self.serial = serial
        self.take = take
        self.count = count
        self.link = Link(lattice_native, b"d" * 32, False, SERIAL, b"bench", 0)
        self.stream = None
        self.data = bytes(range(256)) * 16
        self.into = memoryview(bytearray(READ_BYTES))
        self.rest = b""

    def run(self):
        """Until the host lets the port go: `serial.wait` ends the program then."""
        buffer = bytearray(READ_BYTES)
        view = memoryview(buffer)
        while True:
            now = time.ticks_ms()
            got = self.serial.readinto(buffer)
            if got:
                self.link.receive(view[:got], now)
            self.work()
            sent = self.send(now)
            if not got and not sent:
                deadline = self.link.deadline_ms(now)
                self.serial.wait(1000 if deadline is None else max(deadline - now, 0), bool(self.rest))

    def work(self):
        if self.stream is None:
            if self.link.connection is not None:
                self.stream = self.link.connection.accept_stream()
            return
        if self.take:
            while self.count:
                got = taken(self.stream, self.into)
                if not got:
                    return
                self.count -= got
        while self.count:
            sent = self.stream.write(memoryview(self.data)[: min(self.count, len(self.data))])
            if not sent:
                return
            self.count -= sent
        self.stream.read(1)
        self.stream.finish()

    def send(self, now):
        moved = False
        while True:
            if self.rest:
                taken = self.serial.write(self.rest)
                self.rest = self.rest[taken:]
                if self.rest:
                    return moved
            packet = self.link.send(now)
            if packet is None:
                return moved
            moved = True
            taken = self.serial.write(packet)
            if taken < len(packet):
                self.rest = bytes(packet[taken:])


def main(fd, mode, what, count):
    serial = Serial(int(fd))
    if mode == "raw":
        raw(serial, what == "take", int(count))
    else:
        LinkEnd(serial, what == "take", int(count)).run()
    while True:
        serial.wait(1000, False)  # ends the program when the host lets the port go


main(*sys.argv[1:])
