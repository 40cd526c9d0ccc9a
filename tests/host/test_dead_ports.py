"""What is no stick, or answers never again: every command gives up in time and says what seems to be there."""

import os
import select
import threading
import time
import tty

import pytest

from host.driver_support import driver_at, fill, set_up
from host.fake_stick import FakeStick
from lattice_core.errors import UsageError
from lattice_core.link.link import SERIAL, Link
from lattice_core.link.states import FAULT
from lattice_host import crypto
from lattice_host.serial import driver as drivers
from lattice_host.serial.impression import seems

NMEA = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"


class Other:
    """Something else behind a port: `speak(heard)` gives what it says to what it heard, at least 100 times a second."""

    def __init__(self, speak):
        self._speak = speak
        self._stop = False

    def __enter__(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop = True
        self._thread.join(10)
        os.close(self._slave)
        os.close(self._master)

    def _run(self):
        while not self._stop:
            select.select([self._master], [], [], 0.01)
            try:
                heard = os.read(self._master, 65536)
            except BlockingIOError:
                heard = b""
            try:
                os.write(self._master, self._speak(heard))
            except BlockingIOError:
                continue  # nobody takes it now


def another_host():
    link = Link(crypto, b"h" * 32, True, SERIAL, b"lattice-host", 0)

    def speak(heard):
        now_ms = int(time.monotonic() * 1000)
        link.receive(heard, now_ms)
        return bytes(link.send(now_ms) or b"")

    return speak


OTHERS = {
    "nothing at all comes": lambda: lambda heard: b"",
    "MicroPython prompt": lambda: lambda heard: b"\r\nMicroPython v1.25.0\r\n>>> " + heard if heard else b"",
    "NMEA": lambda: lambda heard: NMEA,
    "modem": lambda: lambda heard: b"AT+CGMI\r\r\nOK\r\n" if heard else b"",
    "what we say comes back": lambda: lambda heard: heard,
    "console": lambda: lambda heard: b"\r\nalpine login: " if heard else b"",
    r'something else writes text there \("boot: wifi \\x1b\[2Jok"\)': lambda: lambda heard: b"boot: wifi \x1b[2Jok\r\n",
    "another computer's lattice-host": another_host,
    "no stick's": lambda: lambda heard: bytes(range(128, 256)) * 8,
    r"no stick's \(00 00": lambda: lambda heard: bytes(4096),
}


@pytest.mark.parametrize("words", sorted(OTHERS))
def test_no_stick_is_given_up_in_time_and_said_what_it_seems(laptop, monkeypatch, words):
    monkeypatch.setattr(drivers, "_FIRST_ANSWER_MS", 600)
    with Other(OTHERS[words]()) as other, pytest.raises(UsageError, match="does not answer as a stick: .*" + words):
        driver_at(laptop, other.port).finish(lambda peer: peer.status(), 60)


def test_the_timeout_bounds_the_first_answer_too(laptop, monkeypatch):
    monkeypatch.setattr(drivers, "_FIRST_ANSWER_MS", 3600000)
    for speak in (lambda heard: b"", lambda heard: NMEA):
        with Other(speak) as other, pytest.raises(UsageError, match="does not answer as a stick"):
            driver_at(laptop, other.port).finish(lambda peer: peer.status(), 0.3)


def test_half_a_handshake_again_and_again_is_no_answer(laptop, monkeypatch):
    """Something that answers each Hello, as any stick does, and then nothing: it is alive, and no stick for us."""
    monkeypatch.setattr(drivers, "_FIRST_ANSWER_MS", 1500)
    link = Link(crypto, b"s" * 32, False, SERIAL, b"broken", 0)

    def speak(heard):
        now_ms = int(time.monotonic() * 1000)
        link.receive(heard, now_ms)
        link._event(FAULT, "broken")
        return bytes(link.send(now_ms) or b"")

    with Other(speak) as other, pytest.raises(UsageError, match="does not answer as a stick"):
        driver_at(laptop, other.port).finish(lambda peer: peer.status(), 60)


def test_chatter_after_a_stick_was_pulled_keeps_no_command_alive(laptop, tmp_path):
    fill(laptop, 200, 900)
    stick = FakeStick(tmp_path)
    with stick:
        set_up(laptop, stick.port)
    stick.pull_after = 60_000
    stick.plug()
    driver = driver_at(laptop, stick.port)
    failed = []

    def run():
        try:
            driver.finish(lambda peer: peer.sync(), 1)
        except UsageError as error:
            failed.append(str(error))

    helper = threading.Thread(target=run, daemon=True)
    helper.start()
    stick.pulled.wait(20)
    with Other(lambda heard: NMEA) as other:
        os.symlink(other.port, stick.port)
        helper.join(20)
        assert not helper.is_alive()
    os.unlink(stick.port)
    assert "for 1 s" in failed[0], failed
    assert "NMEA" in failed[0], failed


def test_a_connection_that_is_lost_at_the_same_place_ends_in_words(laptop, tmp_path, monkeypatch):
    monkeypatch.setattr(drivers, "_LOST_PAUSE_MS", 10)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        begun = []

        def command(peer):
            begun.append(peer)
            return peer.start(lose(peer), "lost")

        def lose(peer):
            yield
            peer.connection.end("the other side restarted")  # as a stick does that has run out of memory
            driver.endpoint.link._event(FAULT, "the other side restarted")
            yield

        driver = driver_at(laptop, stick.port)
        with pytest.raises(UsageError, match=r"lost 5 times at the same place .*restarted.*stick status"):
            driver.finish(command, 20)
        assert len(begun) == 5


def test_a_guess_needs_a_reason():
    hello = b"\0\x05\x80abc" + b"h" * 30 + b"\0"
    assert "nothing at all" in seems(b"", hello)
    answering = Link(crypto, b"s" * 32, False, SERIAL, b"stick", 0)
    answering.receive(bytes(Link(crypto, b"h" * 32, True, SERIAL, b"host", 0).send(0)), 0)
    assert "a stick answers" in seems(bytes(answering.send(0)), hello)
    assert "comes back" in seems(hello, hello + hello)
    assert "comes back" not in seems(b"\0", hello)
    assert "prompt" in seems(b">>> \x80abc" + hello, hello)  # a prompt echoes too
    for heard in (os.urandom(64) + b"\0" + os.urandom(3), b"\r\n", b"\xff", b"{}", b"\0" * 9):
        assert seems(heard, hello)
