"""The pump against a stick on this interpreter: pulled, renamed, silent, replaced, in others' hands."""

import os
import pty
import threading
import time

import pytest

from host.fake_stick import FakeStick
from host.pump_support import NOW_MS, fill, pump_at, set_up
from lattice_core.errors import Refused, UsageError
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto
from lattice_host.serial import pump as pumps
from lattice_host.serial.port import PortError
from lattice_host.serial.pump import pumped


def sync(node, port, timeout_s=20, watch=None):
    pump = pump_at(node, port, watch)
    return pumped(pump, lambda peer: peer.sync(), timeout_s), pump


def test_status_of_a_fresh_stick(laptop, tmp_path):
    with FakeStick(tmp_path) as stick:
        shown = pumped(pump_at(laptop, stick.port), lambda peer: peer.status(), 20)["status"]
    assert shown["version"] == "9.9.9"
    assert not shown["owned"]


def test_everything_arrives_and_the_second_sync_moves_nothing(laptop, tmp_path):
    fill(laptop, 40, 500)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        report, pump = sync(laptop, stick.port)
        assert report.complete
        assert len(pump.moved) == 1
        assert pump.moved[0].sent_intentions >= 40
        again, pump = sync(laptop, stick.port)
        assert again.complete
        assert pump.moved[0].sent_intentions == 0
    held = stick.node().find("notes")
    assert [entry.key for entry in held.kv.list()] == [entry.key for entry in laptop.find("notes").kv.list()]


def test_what_was_acknowledged_is_committed(laptop, tmp_path):
    fill(laptop, 5, 100)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        sync(laptop, stick.port)
    assert laptop.storage.pending() == 0
    notes = laptop.find("notes")
    key = stick.node().identity.public
    assert notes.files.holdings.holds_items(key) == notes.store.count


def test_a_fault_of_ours_ends_the_connection_and_is_reported_as_what_it_is(laptop, tmp_path):
    fill(laptop, 5, 100)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        sync(laptop, stick.port)
        notes = laptop.find("notes")
        fill(laptop, 5, 100)
        held = notes.weaver.held_after
        notes.weaver.held_after = lambda plan: [].pop()
        with pytest.raises(IndexError) as caught:
            sync(laptop, stick.port)
        assert "a fault of this program" in str(caught.value.__cause__)
        notes.weaver.held_after = held
        assert sync(laptop, stick.port)[0].complete  # and the stick is as it was


@pytest.mark.parametrize("pull_after", [1500, 3000])
def test_pulled_in_the_middle_and_plugged_in_again(laptop, tmp_path, pull_after):
    fill(laptop, 400, 900)
    stick = FakeStick(tmp_path)
    with stick:
        set_up(laptop, stick.port)
    stick.pull_after = pull_after
    stick.plug()

    def plug_again():
        stick.pulled.wait(20)
        time.sleep(0.3)
        stick.pull()
        stick.plug()

    helper = threading.Thread(target=plug_again)
    helper.start()
    seen = []
    report, pump = sync(laptop, stick.port, watch=lambda pump: seen.append(pump.plugged))
    helper.join()
    stick.pull()
    assert report.complete
    assert len(pump.moved) == 2
    assert sum(one.sent_intentions for one in pump.moved) >= laptop.find("notes").store.count
    assert False in seen
    assert True in seen
    held = stick.node().find("notes")
    assert held.store.count == laptop.find("notes").store.count


def test_a_stick_that_does_not_come_back(laptop, tmp_path):
    fill(laptop, 200, 900)
    stick = FakeStick(tmp_path)
    with stick:
        set_up(laptop, stick.port)
    stick.pull_after = 2000
    stick.plug()
    with pytest.raises(UsageError, match="goes on where it was"):
        sync(laptop, stick.port, timeout_s=1)
    stick.pull()


def test_no_port(laptop, tmp_path):
    with pytest.raises(PortError, match="plugged in"):
        sync(laptop, str(tmp_path / "absent"))


def test_something_else_behind_the_port(laptop, monkeypatch):
    monkeypatch.setattr(pumps, "_FIRST_ANSWER_MS", 400)
    master, slave = pty.openpty()
    port = os.ttyname(slave)
    os.write(master, b"MicroPython v1.25.0 on 2026-01-01\r\n>>> ")
    with pytest.raises(UsageError, match="does not answer as a stick"):
        sync(laptop, port)
    os.close(slave)
    os.close(master)


def test_a_stranger_is_refused_in_words(laptop, tmp_path):
    stranger = Node(MemoryStorage(), crypto, Identity(crypto, os.urandom(32)), "stranger")
    stranger.open(NOW_MS)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        with pytest.raises(Refused, match="invite"):
            sync(stranger, stick.port)
        shown = pumped(pump_at(stranger, stick.port), lambda peer: peer.status(), 20)["status"]
        assert shown["owned"]
        assert not shown["stores"]
        assert not shown["name"]


def test_the_port_is_let_go_after_an_error(laptop, tmp_path):
    with FakeStick(tmp_path) as stick:
        pump = pump_at(laptop, stick.port)

        def fails():
            yield
            raise UsageError("on purpose")

        with pytest.raises(UsageError, match="on purpose"):
            pumped(pump, lambda peer: peer.start(fails(), "fails"), 20)
        assert not pump.plugged
        set_up(laptop, stick.port)
