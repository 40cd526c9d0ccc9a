"""How fast the link moves bytes over a pty between the host and the stick's interpreter. Prints JSON lines.

    python tests/bench/bench_link.py [--bytes N]

Each direction is measured twice in one run: raw (the same interpreter reads or writes the same pty with the same
buffer sizes and looks at nothing) and through the link (framed, checked, sealed, acknowledged, one stream).
`overhead_percent` counts every byte on the wire in both directions beyond the payload, after the handshake.
`…cpu_us_per_kib` is the processor time of both ends: what the rate comes from, and what a busy machine does not change.
"""

import argparse
import contextlib
import json
import os
import pathlib
import select
import subprocess
import time
import tty

from lattice_core.link.link import SERIAL, Link
from lattice_host import crypto

ROOT = pathlib.Path(__file__).resolve().parents[2]
INTERPRETER = ROOT / "build" / "emulator" / "micropython"
HEAP = "483456"
READ_BYTES = 65536
OUT_BYTES = 16384
RUNS = 3  # the best counts: the machine does other things, too


class PtyEnd:
    """The host's end of a pty; the interpreter runs link_device.py on the other."""

    def __init__(self, mode, what, count):
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.set_blocking(slave, False)
        environment = {**os.environ, "MICROPYPATH": ".frozen"}
        command = [str(INTERPRETER), "-X", "heapsize=" + HEAP, str(ROOT / "tests" / "bench" / "link_device.py")]
        self.child = subprocess.Popen(
            [*command, str(slave), mode, what, str(count)], pass_fds=(slave,), env=environment
        )
        os.close(slave)
        self.port = master
        self.out = b""

    def read(self):
        try:
            return os.read(self.port, READ_BYTES)
        except BlockingIOError:
            return b""

    def write(self):
        """Gives the port what it takes of `out`."""
        with contextlib.suppress(BlockingIOError):
            self.out = self.out[os.write(self.port, self.out) :]

    def wait(self, timeout_s):
        select.select([self.port], [self.port] if self.out else [], [], timeout_s)

    def cpu_s(self):
        """Processor time so far: (this process, the interpreter)."""
        clock = ~self.child.pid << 3 | 2  # clock_getcpuclockid(3) on Linux
        return time.process_time(), time.clock_gettime(clock)

    def end(self):
        self.child.kill()
        self.child.wait(10)
        os.close(self.port)


class Meter:
    """Time from now on: by the clock, and of both processors."""

    def __init__(self, desk):
        self.desk = desk
        self.here, self.there = desk.cpu_s()
        self.started = time.perf_counter()

    def read(self):
        seconds = time.perf_counter() - self.started
        here, there = self.desk.cpu_s()
        return seconds, (here - self.here, there - self.there)


def raw(what, count):
    """(seconds, (processor seconds here, there)) for `count` raw bytes."""
    desk = PtyEnd("raw", what, count)
    time.sleep(0.3)  # the interpreter starts
    meter = Meter(desk)
    if what == "take":
        data = os.urandom(OUT_BYTES)
        left = count
        while left or desk.out:
            if not desk.out:
                desk.out = data[: min(left, OUT_BYTES)]
                left -= len(desk.out)
            desk.write()
            if desk.out:
                desk.wait(1)
        while not desk.read():
            desk.wait(1)
    else:
        got = 0
        while got < count:
            data = desk.read()
            got += len(data)
            if not data:
                desk.wait(1)
    figures = meter.read()
    desk.end()
    return figures


class Transfer:
    """One stream with `count` bytes through a link."""

    def __init__(self, what, count):
        self.desk = PtyEnd("link", what, count)
        self.link = Link(crypto, b"h" * 32, True, SERIAL, b"bench", self.now())
        self.what = what
        self.data = os.urandom(OUT_BYTES)
        self.left = count
        self.stream = None

    def now(self):
        return time.monotonic_ns() // 1_000_000

    def exchange(self):
        desk = self.desk
        now = self.now()
        data = desk.read()
        if data:
            self.link.receive(data, now)
        self.work()
        moved = bool(data)
        while len(desk.out) < OUT_BYTES:
            packet = self.link.send(now)
            if packet is None:
                break
            desk.out += packet
            moved = True
        if desk.out:
            desk.write()
        if not moved or desk.out:
            desk.wait(0.05)

    def work(self):
        stream = self.stream
        if stream is None:
            return
        if self.what == "take":
            while self.left:
                sent = stream.write(memoryview(self.data)[: min(self.left, OUT_BYTES)])
                if not sent:
                    return
                self.left -= sent
        else:
            while self.left:
                data = stream.read(OUT_BYTES)
                if not data:
                    return
                self.left -= len(data)
        stream.finish()

    def run(self):
        """(seconds, processor seconds, bytes on the wire, frames sent again)"""
        while self.link.connection is None:
            self.exchange()
        counters = self.link.counters
        before = counters.bytes_in + counters.bytes_out
        meter = Meter(self.desk)
        self.stream = self.link.connection.open_stream()
        while not (self.stream.finished() and self.stream.at_end()):
            self.exchange()
        seconds, cpu_s = meter.read()
        wire = counters.bytes_in + counters.bytes_out - before
        self.desk.end()
        return seconds, cpu_s, wire, counters.resent


def per_kib(cpu_s, count):
    return {name: round(seconds * 1e6 * 1024 / count, 1) for name, seconds in zip(("host", "stick"), cpu_s)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bytes", type=int, default=4 << 20)
    count = parser.parse_args().bytes
    for name, what in (("host to stick", "take"), ("stick to host", "give")):
        raw_s, raw_cpu_s = min(raw(what, count) for _ in range(RUNS))
        seconds, cpu_s, wire, resent = min(Transfer(what, count).run() for _ in range(RUNS))
        figures = {
            "bench": "link over a pty, " + name,
            "raw_kib_per_s": round(count / 1024 / raw_s),
            "link_kib_per_s": round(count / 1024 / seconds),
            "link_percent_of_raw": round(100 * raw_s / seconds, 1),
            "raw_cpu_us_per_kib": per_kib(raw_cpu_s, count),
            "link_cpu_us_per_kib": per_kib(cpu_s, count),
            "overhead_percent": round(100 * (wire - count) / wire, 2),
            "sent_again": resent,
            "aim": {"link_percent_of_raw": ">= 50", "overhead_percent": "<= 4"},
        }
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
