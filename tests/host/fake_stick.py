"""A stick on this interpreter: the core's responder on memory storage behind a pty, in a thread. It can be pulled."""

import os
import pathlib
import select
import termios
import threading
import time
import tty

from lattice_core.endpoint import Endpoint
from lattice_core.errors import LatticeError
from lattice_core.link.link import SERIAL, Link
from lattice_core.node.device import Device, load_identity
from lattice_core.node.node import Node
from lattice_core.sync.nano.peer import NanoPeer, Options
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto

VERSION = "9.9.9"


def _now_ms():
    return int(time.monotonic() * 1000)


class FakeStick:
    """`port` is a symbolic link that comes and goes with `plug` and `pull`. `pull_after` bytes came in: it pulls
    itself, once. (What it sends is no measure: a busy machine lets it answer many packets with one.)"""

    def __init__(self, folder, capacity=None, pull_after=None, name="stick"):
        self.port = str(pathlib.Path(folder) / (name + ".port"))
        self.pulled = threading.Event()
        self.pull_after = pull_after
        self.pause_s = 0.0  # before it reads: a slow line
        self.storage = MemoryStorage(capacity)
        self.failure = None
        self._thread = None

    def plug(self):
        self._master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        temporary = self.port + ".new"
        os.symlink(os.ttyname(slave), temporary)
        os.replace(temporary, self.port)
        self._slave = slave
        self._stop = False
        self.pulled.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def pull(self):
        """What was not committed is lost, as on a real stick."""
        if self._thread is not None:
            self._stop = True
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._thread = None
        if self.failure is not None:
            raise self.failure

    def __enter__(self):
        return self.plug()

    def __exit__(self, *exception):
        self.pull()

    def node(self):
        """A look at its node while it is pulled."""
        assert self._thread is None
        node = Node(self.storage, crypto, load_identity(self.storage, crypto))
        node.open(None)
        return node

    def _run(self):
        try:
            self._serve()
        except LatticeError as error:
            self.failure = error
        os.unlink(self.port)
        os.close(self._slave)
        os.close(self._master)
        self.storage = self.storage.reopened()
        self.pulled.set()

    def _serve(self):
        identity = load_identity(self.storage, crypto)
        device = Device(self.storage)
        node = Node(self.storage, crypto, identity, keep_unreferenced_ms=0)
        node.open(device.now_ms(_now_ms()))
        options = Options(VERSION, 4, 4, lambda: (1 << 22, self.storage._used))
        link = Link(crypto, identity.seed, False, SERIAL, VERSION.encode(), _now_ms())
        endpoint = Endpoint(link, lambda connection: NanoPeer(node, connection, options, device))
        came = 0
        while not self._stop:
            now_ms = _now_ms()
            size = self._receive(endpoint, now_ms)
            came += size
            if self.pull_after is not None and came >= self.pull_after:
                self.pull_after = None
                return
            busy = endpoint.step(now_ms) or size > 0
            packet = endpoint.send(now_ms)
            while packet is not None:
                busy = True
                self._write(bytes(packet))
                packet = endpoint.send(now_ms)
            if not busy:
                select.select([self._master], [], [], 0.02)

    def _receive(self, endpoint, now_ms):
        """How many bytes came."""
        time.sleep(self.pause_s)
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return 0
        except OSError:
            time.sleep(0.01)  # nobody has the port open
            return 0
        endpoint.receive(data, now_ms)
        return len(data)

    def _write(self, data):
        while data and not self._stop:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                select.select([], [self._master], [], 0.05)
