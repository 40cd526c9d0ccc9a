"""The serial driver against a stick on this interpreter: pulled, renamed, silent, replaced, in others' hands."""

import os
import pty
import threading
import time

import pytest

from host.driver_support import NOW_MS, driver_at, fill, set_up
from host.fake_stick import FakeStick
from lattice_core.errors import Refused, UsageError
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto
from lattice_host.serial import driver as drivers
from lattice_host.serial.port import PortError


def sync(node, port, timeout_s=20):
    driver = driver_at(node, port)
    return driver.finish(lambda peer: peer.sync(), timeout_s), driver


def followed(work, states):
    """The value of a generator; what it yields is appended to `states`."""
    while True:
        try:
            states.append(next(work))
        except StopIteration as end:
            return end.value


def test_status_of_a_fresh_stick(laptop, tmp_path):
    with FakeStick(tmp_path) as stick:
        shown = driver_at(laptop, stick.port).finish(lambda peer: peer.status(), 20)["status"]
    assert shown["version"] == "9.9.9"
    assert not shown["owned"]


def test_everything_arrives_and_the_second_sync_moves_nothing(laptop, tmp_path):
    fill(laptop, 40, 500)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        report, driver = sync(laptop, stick.port)
        assert report.complete
        assert len(driver.moved) == 1
        assert driver.moved[0].sent_intentions >= 40
        again, driver = sync(laptop, stick.port)
        assert again.complete
        assert driver.moved[0].sent_intentions == 0
    held = stick.node().tree.find("notes")
    assert [entry.key for entry in held.kv.list()] == [entry.key for entry in laptop.tree.find("notes").kv.list()]


def test_what_was_acknowledged_is_committed(laptop, tmp_path):
    fill(laptop, 5, 100)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        sync(laptop, stick.port)
    assert laptop.storage.pending() == 0
    notes = laptop.tree.find("notes")
    key = stick.node().identity.public
    assert notes.holdings.holds_items(key) == notes.store.count


def test_a_fault_of_ours_ends_the_connection_and_is_reported_as_what_it_is(laptop, tmp_path):
    fill(laptop, 5, 100)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        sync(laptop, stick.port)
        notes = laptop.tree.find("notes")
        fill(laptop, 5, 100)
        held = notes.weaver.held_after
        notes.weaver.held_after = lambda plan: [].pop()
        with pytest.raises(IndexError) as caught:
            sync(laptop, stick.port)
        assert "a fault of this program" in str(caught.value.__cause__)
        notes.weaver.held_after = held
        assert sync(laptop, stick.port)[0].complete  # and the stick is as it was


@pytest.mark.parametrize("pull_after", [60_000, 200_000])
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
    driver = driver_at(laptop, stick.port)
    states = []
    report = followed(driver.run(lambda peer: peer.sync(), 20), states)
    helper.join()
    stick.pull()
    assert report.complete
    assert len(driver.moved) == 2
    assert sum(one.sent_intentions for one in driver.moved) >= laptop.tree.find("notes").store.count
    assert {state.plugged for state in states} == {False, True}
    done = [state.done_bytes for state in states]
    assert done == sorted(done)
    assert states[-1].done_bytes <= states[-1].total_bytes
    held = stick.node().tree.find("notes")
    assert held.store.count == laptop.tree.find("notes").store.count


def test_a_stick_that_does_not_come_back(laptop, tmp_path):
    fill(laptop, 200, 900)
    stick = FakeStick(tmp_path)
    with stick:
        set_up(laptop, stick.port)
    stick.pull_after = 60_000
    stick.plug()
    with pytest.raises(UsageError, match="goes on where it was"):
        sync(laptop, stick.port, timeout_s=1)
    stick.pull()


def test_no_port(laptop, tmp_path):
    with pytest.raises(PortError, match="plugged in"):
        sync(laptop, str(tmp_path / "absent"))


def test_something_else_behind_the_port(laptop, monkeypatch):
    monkeypatch.setattr(drivers, "_FIRST_ANSWER_MS", 400)
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
        shown = driver_at(stranger, stick.port).finish(lambda peer: peer.status(), 20)["status"]
        assert shown["owned"]
        assert not shown["stores"]
        assert not shown["name"]


def test_the_port_is_let_go_after_an_error(laptop, tmp_path):
    with FakeStick(tmp_path) as stick:
        driver = driver_at(laptop, stick.port)

        def fails():
            yield
            raise UsageError("on purpose")

        with pytest.raises(UsageError, match="on purpose"):
            driver.finish(lambda peer: peer.start(fails(), "fails"), 20)
        assert not driver.plugged
        set_up(laptop, stick.port)


def test_whoever_closes_the_generator_cancels_the_work_and_keeps_what_was_acknowledged(laptop, tmp_path):
    fill(laptop, 400, 900)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)
        driver = driver_at(laptop, stick.port)
        work = driver.run(lambda peer: peer.sync(), 20)
        for state in work:
            if state.done_bytes > 20000:
                break
        work.close()
        assert not driver.plugged
        report, again = sync(laptop, stick.port)
        assert report.complete
        assert again.moved[0].sent_intentions < driver.moved[0].sent_intentions + 400
    assert stick.node().tree.find("notes").store.count == laptop.tree.find("notes").store.count
