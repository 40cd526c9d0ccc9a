"""The asyncio driver: a stick on a port, writes that go out when they are committed, one timer, a disk that fails."""

import asyncio
import time

import pytest

from host.driver_support import NOW_MS, fill, set_up
from host.fake_stick import FakeStick
from host.quic_support import SECONDS, fresh_node, now_ms
from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError
from lattice_core.link.link import SERIAL, Link
from lattice_core.sync.common.streams import ALPN_NANO
from lattice_core.sync.nano.peer import NanoPeer
from lattice_host import crypto
from lattice_host.links import dial as quic
from lattice_host.links.driver import LineDriver, drive
from lattice_host.serial.line import Line
from lattice_host.serial.port import PortLost


def driver_at(node, port):
    link = Link(crypto, node.identity.seed, True, SERIAL, b"test", int(time.monotonic() * 1000))
    return LineDriver(node, Line(port, Endpoint(link, lambda connection: NanoPeer(node, connection))))


async def run_on(driver, begin):
    """Runs `begin(peer)` on the first connection; its Task."""
    await asyncio.wait_for(driver.run(lambda: driver.endpoint.peer is not None), SECONDS)
    task = begin(driver.endpoint.peer)
    await asyncio.wait_for(driver.run(lambda: task.done), SECONDS)
    return task


def test_a_stick_is_synced_over_its_port(laptop, tmp_path):
    fill(laptop, 40, 500)
    with FakeStick(tmp_path) as stick:
        set_up(laptop, stick.port)

        async def main():
            driver = driver_at(laptop, stick.port)
            task = await run_on(driver, lambda peer: peer.sync())
            laptop.journal.commit(NOW_MS)
            await driver.close("done")
            return task

        task = asyncio.run(main())
    assert task.error is None
    assert task.result.complete
    assert stick.node().tree.find("notes").store.count == laptop.tree.find("notes").store.count


def test_a_stick_that_is_pulled_ends_the_driver_and_its_task(laptop, tmp_path):
    fill(laptop, 400, 900)
    stick = FakeStick(tmp_path)
    with stick:
        set_up(laptop, stick.port)
    stick.pull_after = 100_000
    stick.plug()

    async def main():
        driver = driver_at(laptop, stick.port)
        task = await run_on(driver, lambda peer: peer.sync())
        await driver.close("done")
        return driver, task

    driver, task = asyncio.run(main())
    stick.pull()
    assert isinstance(driver.ended, PortLost)
    assert task.error is not None


@pytest.fixture
def pair(tmp_path):
    left, right = fresh_node(tmp_path / "left", 1, "left"), fresh_node(tmp_path / "right", 2, "right")
    left.create_store("notes", "core:kvstore", None, now_ms())
    return left, right


async def connected(left, right):
    """(peer of the left, peer of the right): both ends of a QUIC connection."""
    at_left, at_right = await quic.bind(left.identity.seed), await quic.bind(right.identity.seed)
    accepting = asyncio.create_task(quic.accept(at_left))
    dialled = await quic.dial(at_right, left.identity.public, at_left.bound_sockets()[:1], ALPN_NANO)
    return quic.peer_of(left, await accepting), quic.peer_of(right, dialled), (at_left, at_right)


def test_what_is_committed_here_goes_to_each_live_peer_at_once(tmp_path, pair):
    left, right = pair
    third = fresh_node(tmp_path / "third", 3, "third")

    async def live(other, running):
        token = left.invites.create(left.tree.roots()[0], now_ms())
        at_left, at_other, ends = await connected(left, other)
        joined = at_other.join(token)
        serving = asyncio.create_task(drive(at_left, lambda: False))
        await drive(at_other, lambda: joined.done)
        assert joined.error is None
        at_other.sync(live=True)
        running.extend([serving, asyncio.create_task(drive(at_other, lambda: False))])
        return at_other, ends

    async def main():
        running = []
        others = [await live(other, running) for other in (right, third)]
        await asyncio.sleep(0.5)
        left.tree.find("notes").kv.put(b"k", b"v", now_ms())
        began = time.monotonic()
        left.journal.commit(now_ms())
        while any(other.tree.find("notes").kv.get(b"k") is None for other in (right, third)):
            await asyncio.sleep(0.01)
            assert time.monotonic() - began < 5, "nobody woke the drivers"
        for peer, _ in others:
            peer.close("done")
        await asyncio.gather(*running)
        for _, ends in others:
            for end in ends:
                await end.close()

    asyncio.run(asyncio.wait_for(main(), SECONDS))


def test_a_disk_that_fails_ends_a_connection_and_no_driver(pair):
    left, right = pair

    async def main():
        token = left.invites.create(left.tree.roots()[0], now_ms())
        at_left, at_right, ends = await connected(left, right)
        joined = at_right.join(token)
        serving = asyncio.create_task(drive(at_left, lambda: False))
        await drive(at_right, lambda: joined.done)

        def fail():
            raise StorageError("the disk is gone")

        at_right._step = fail
        task = at_right.sync()
        await drive(at_right, lambda: False)
        assert isinstance(task.error, StorageError), task.error
        await serving
        assert "the other side's disk: the disk is gone" in at_left.connection.closed
        for end in ends:
            await end.close()

    asyncio.run(asyncio.wait_for(main(), SECONDS))
