"""The core's sync, unchanged, over real QUIC connections on loopback: joins, files, the reference's ALPN."""

import asyncio
import pathlib

import iroh
import pytest
from iroh import iroh_ffi

from host.quic_support import SECONDS, fresh_node, now_ms
from lattice_core.errors import Refused, UsageError
from lattice_core.sync.common.streams import ALPN_NANO, ALPN_SYNC
from lattice_core.sync.common.tasks import StreamLost
from lattice_host import files as transfer
from lattice_host.links import dial as quic
from lattice_host.links import iroh_copy
from lattice_host.links.driver import Driver, drive
from lattice_host.links.quic import WINDOW_BYTES, words


async def serve(node, endpoint):
    peer = quic.peer_of(node, await quic.accept(endpoint))
    await drive(peer, lambda: False)
    return peer


async def talk(server, client, alpn, command):
    """Runs `command(peer)` on a connection of `client` to `server`; (its Task, the client's peer, the server's)."""
    at_server = await quic.bind(server.identity.seed)
    at_client = await quic.bind(client.identity.seed)
    serving = asyncio.create_task(serve(server, at_server))
    connection = await quic.dial(at_client, server.identity.public, at_server.bound_sockets()[:1], alpn)
    peer = quic.peer_of(client, connection)
    task = command(peer)
    await drive(peer, lambda: task.done)
    peer.close("done")
    serving_peer = await serving
    await at_client.close()
    await at_server.close()
    return task, peer, serving_peer


def run(server, client, alpn, command):
    task, peer, serving = asyncio.run(asyncio.wait_for(talk(server, client, alpn, command), SECONDS))
    if task.error is not None:
        raise task.error
    return task.result, peer, serving


@pytest.fixture
def pair(tmp_path):
    left = fresh_node(tmp_path / "left", 1, "left")
    right = fresh_node(tmp_path / "right", 2, "right")
    left.create_store("notes", "core:kvstore", None, now_ms())
    return left, right


def put_file(node, tmp_path, size):
    source = tmp_path / "photo.bin"
    source.write_bytes(bytes(range(256)) * (size // 256))
    transfer.put(node.tree.find("notes").files, source, None, now_ms())
    node.journal.commit(now_ms())
    return source.read_bytes()


def log_of(node):
    store = node.tree.find("notes").store
    return sorted(hash for _, hash, _, _ in store.witness_log())


def test_two_nodes_join_and_sync_a_file_over_the_nano_protocol(pair, tmp_path):
    left, right = pair
    content = put_file(left, tmp_path, 1 << 20)
    token = left.invites.create(left.tree.roots()[0], now_ms())
    report, peer, serving = run(left, right, ALPN_NANO, lambda peer: peer.join(token))
    assert report.complete
    assert peer.connection.alpn == ALPN_NANO
    assert peer.connection.peer == left.identity.public
    assert serving.key == right.identity.public
    transfer.get(right.tree.find("notes").files, "photo.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content
    assert log_of(left) == log_of(right)


def test_the_reference_protocol_carries_intentions_and_nothing_else(pair, tmp_path):
    left, right = pair
    content = put_file(left, tmp_path, 1 << 18)
    token = left.invites.create(left.tree.roots()[0], now_ms())
    report, _peer, _ = run(left, right, ALPN_SYNC, lambda peer: peer.join(token))
    assert report.complete
    assert log_of(left) == log_of(right)
    files = right.tree.find("notes").files
    assert files.get("photo.bin").entry.size == len(content)
    assert list(files.store.blobs()) == []
    # Both ways, on a new connection; then the content over the other protocol.
    right.tree.find("notes").kv.put(b"from", b"the right", now_ms())
    right.journal.commit(now_ms())
    report, _, _ = run(left, right, ALPN_SYNC, lambda peer: peer.sync())
    assert report.complete
    assert log_of(left) == log_of(right)
    report, _, _ = run(left, right, ALPN_NANO, lambda peer: peer.sync())
    assert report.complete
    transfer.get(files, "photo.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content


def woken(server, client, alpn, command):
    """The result of `command(peer)`, of a client and a server of which none wakes up by itself."""

    async def main():
        at_server, at_client = await quic.bind(server.identity.seed), await quic.bind(client.identity.seed)
        serving = asyncio.create_task(serve(server, at_server))
        dialled = await quic.dial(at_client, server.identity.public, at_server.bound_sockets()[:1], alpn)
        peer = quic.peer_of(client, dialled)
        task = command(peer)
        await drive(peer, lambda: task.done)
        peer.close("done")
        await serving
        await at_client.close()
        await at_server.close()
        return task

    task = asyncio.run(asyncio.wait_for(main(), SECONDS))
    if task.error is not None:
        raise task.error
    return task.result


def test_nobody_waits_for_a_deadline(pair, monkeypatch):
    """Whatever happens on a connection wakes who waits for it: a deadline that never comes is not needed."""
    monkeypatch.setattr(Driver, "_arm", lambda driver, now: None)
    left, _ = pair
    for number, alpn in ((3, ALPN_NANO), (4, ALPN_SYNC)):
        joiner = fresh_node(pathlib.Path(left.storage.path).parent.parent / str(number), number, "third")
        token = left.invites.create(left.tree.roots()[0], now_ms())
        assert woken(left, joiner, alpn, lambda peer, token=token: peer.join(token)).complete
        joiner.tree.find("notes").kv.put(b"k", b"v", now_ms())
        joiner.journal.commit(now_ms())
        assert woken(left, joiner, alpn, lambda peer: peer.sync()).complete
        assert log_of(left) == log_of(joiner)
        left.members.revoke(left.tree.roots()[0], joiner.identity.public, now_ms())
        with pytest.raises(Refused, match="revoked"):
            woken(left, joiner, alpn, lambda peer: peer.sync())


def test_a_connection_that_is_closed_is_served_to_its_end(pair):
    """A node of the reference that began a session drops the connection at once: what it has sent is kept."""
    left, right = pair
    token = left.invites.create(left.tree.roots()[0], now_ms())
    run(left, right, ALPN_SYNC, lambda peer: peer.join(token))
    theirs = right.tree.find("notes")
    for number in range(300):
        theirs.kv.put(b"%d" % number, b"v", now_ms())
    right.journal.commit(now_ms())
    settled = []
    left.after_sync = lambda now_ms: settled.append(now_ms)

    async def main():
        at_server, at_client = await quic.bind(left.identity.seed), await quic.bind(right.identity.seed)
        serving = asyncio.create_task(serve(left, at_server))
        dialled = await quic.dial(at_client, left.identity.public, at_server.bound_sockets()[:1], ALPN_SYNC)
        peer = quic.peer_of(right, dialled)
        _, task = peer.open_session(theirs, False)
        await drive(peer, lambda: task.done)
        assert task.result.complete
        peer.close("gone")
        await serving
        await at_client.close()
        await at_server.close()

    asyncio.run(asyncio.wait_for(main(), SECONDS))
    assert log_of(left) == log_of(right)
    assert left.storage.pending() == 0
    assert settled
    assert left.tree.find("notes").holdings.holds_items(right.identity.public) > 0


def test_a_fault_of_ours_over_quic_ends_a_connection_and_no_process(pair):
    left, right = pair
    token = left.invites.create(left.tree.roots()[0], now_ms())
    run(left, right, ALPN_SYNC, lambda peer: peer.join(token))
    notes = left.tree.find("notes")
    notes.weaver.ingest = lambda *arguments: [].pop()
    right.tree.find("notes").kv.put(b"k", b"v", now_ms())
    right.journal.commit(now_ms())
    for alpn in (ALPN_NANO, ALPN_SYNC):
        with pytest.raises(StreamLost, match=r"a fault of this program ended the connection .IndexError"):
            run(left, right, alpn, lambda peer: peer.sync())
    del notes.weaver.ingest
    assert run(left, right, ALPN_NANO, lambda peer: peer.sync())[0].complete


def test_a_stranger_gets_nothing_over_quic(pair, tmp_path):
    left, right = pair
    right.create_store("own", "core:kvstore", None, now_ms())
    theirs = right.tree.roots()[0]
    stolen = left.invites.create(left.tree.roots()[0], now_ms())
    left.invites.revoke(left.tree.roots()[0], left.invites.list(left.tree.roots()[0])[0].id.hex(), now_ms())
    before = left.tree.roots()[0].store.count
    for alpn in (ALPN_NANO, ALPN_SYNC):
        with pytest.raises(Exception, match="invite"):
            run(left, right, alpn, lambda peer: peer.join(stolen))
    assert left.tree.roots()[0].store.count == before
    assert right.tree.roots() == [theirs]


def over_a_connection(work):
    """Runs `work(ours, theirs)` with both ends of one connection."""

    async def main():
        a, b = await quic.bind(bytes([7]) * 32), await quic.bind(bytes([8]) * 32)
        accepting = asyncio.create_task(quic.accept(a))
        ours = await quic.dial(b, a.id().to_bytes(), a.bound_sockets()[:1], ALPN_NANO)
        theirs = await accepting
        await work(ours, theirs)
        ours.close("done")
        await b.close()
        await a.close()

    asyncio.run(asyncio.wait_for(main(), SECONDS))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def a_stream(ours, theirs):
    mine = ours.open_stream()
    mine.write(b"hello")
    await until(lambda: theirs._arrived)
    other = theirs.accept_stream()
    await until(lambda: other.readable() == 5)
    assert other.read(5) == b"hello"
    return mine, other


def test_a_stream_is_read_where_its_bytes_lie():
    async def work(ours, theirs):
        mine, other = await a_stream(ours, theirs)
        data = bytes(range(256)) * 4096
        sent = 0
        got = b""
        while len(got) < len(data):
            sent += mine.write(memoryview(data)[sent:])
            while other.readable():
                seen = other.peek()
                assert 0 < len(seen) <= other.readable()
                count = max(len(seen) // 2, 1)
                got += bytes(seen[:count])
                other.consume(count)
            await asyncio.sleep(0.001)
        assert got == data
        assert len(other.peek()) == 0
        mine.finish()
        await until(other.at_end)

    over_a_connection(work)


def test_a_stream_that_the_peer_resets_ends_with_words_while_we_wait_to_read():
    async def work(ours, theirs):
        mine, other = await a_stream(ours, theirs)
        other.reset()
        await until(lambda: mine.error is not None)
        assert mine.error == "the other side gave this stream up", mine.error
        await until(lambda: not ours._streams and not theirs._streams)  # nothing waits for it any more
        assert (await a_stream(ours, theirs))[0].error is None  # the next one is not harmed

    over_a_connection(work)


def test_a_stream_that_the_peer_resets_ends_while_we_wait_to_write():
    async def work(ours, theirs):
        mine, other = await a_stream(ours, theirs)
        filled = 0
        while filled < 1 << 24:
            taken = mine.write(bytes(65536))
            filled += taken
            await asyncio.sleep(0 if taken else 0.2)
            if not taken and not mine.writable():
                break  # all windows are full
        other.reset()
        await until(lambda: mine.error is not None)
        assert mine.error == "the other side gave this stream up"
        assert mine.writable() == 0
        await until(lambda: not ours._streams and not theirs._streams)

    over_a_connection(work)


def test_giving_a_stream_up_reaches_the_peer_whatever_is_under_way():
    async def work(ours, theirs):
        for wait_for in ("read", "read after the end", "acknowledgement"):
            mine, other = await a_stream(ours, theirs)
            if wait_for == "read after the end":
                other.finish()
                await until(mine.at_end)
            if wait_for == "acknowledgement":
                other.finish()
                mine.finish()
            mine.reset()
            if wait_for != "acknowledgement":
                await until(lambda other=other: other.error is not None)
                assert other.error == "the other side gave this stream up", other.error
            await until(lambda: not ours._streams)

    over_a_connection(work)


def test_every_stream_ends_with_its_connection():
    async def work(ours, theirs):
        mine, other = await a_stream(ours, theirs)
        full, reader = await a_stream(ours, theirs)
        while reader.readable() < WINDOW_BYTES:  # nobody reads it: its task waits for that, not for the peer
            full.write(bytes(65536))
            await asyncio.sleep(0.01)
        orderly, last = await a_stream(ours, theirs)
        orderly.write(b"last words")
        for stream in (orderly, last):
            stream.finish()
        await until(lambda: orderly.over() and last.over())
        ours.close("enough for today")
        await until(lambda: theirs.closed is not None)
        assert "enough for today" in theirs.closed
        await until(lambda: not ours._streams and not theirs._streams)
        for stream in (mine, full):
            assert stream.error == "enough for today"
        for stream in (other, reader):
            assert "enough for today" in stream.error
        assert last.error is None
        assert last.read(100) == b"last words"
        assert last.at_end()

    over_a_connection(work)


def test_what_cannot_be_reached_is_said_in_words():
    async def main():
        a, b = await quic.bind(bytes([7]) * 32, alpns=(ALPN_NANO,)), await quic.bind(bytes([8]) * 32)
        accepting = asyncio.create_task(quic.accept(a))
        with pytest.raises(UsageError, match=r"does not answer at 127.0.0.1:.*: ."):
            await quic.dial(b, a.id().to_bytes(), a.bound_sockets()[:1], "other/1")
        with pytest.raises(UsageError, match="does not answer"):
            await quic.dial(b, bytes(b.id().to_bytes()), a.bound_sockets()[:1], ALPN_NANO)
        ours = await quic.dial(b, a.id().to_bytes(), a.bound_sockets()[:1], ALPN_NANO)
        theirs = await accepting  # who could not be understood did not end the accepting
        assert theirs.peer == ours.local
        ours.close("done")
        await b.close()
        await a.close()

    asyncio.run(asyncio.wait_for(main(), SECONDS))


def test_an_error_of_the_binding_has_words():
    class Silent(iroh.IrohError):
        def __init__(self, text):
            self.text = text

        def message(self):
            return self.text

    assert words(Silent("Reset(1)")) == words(Silent("Stopped(3)")) == "the other side gave this stream up"
    assert words(Silent("connection lost")) == "connection lost"
    assert words(Silent("")) == "Silent"
    assert words(iroh_ffi.InternalError()) == "InternalError"


def test_the_quick_copy_is_in_place_and_copies_right():
    assert iroh_copy.install()
