"""The core's sync, unchanged, over real QUIC connections on loopback: joins, files, the reference's ALPN."""

import asyncio
import time

import pytest

from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.sync.streams import ALPN_NANO, ALPN_SYNC
from lattice_host import crypto
from lattice_host import files as transfer
from lattice_host.links import endpoint as quic
from lattice_host.links import iroh_copy
from lattice_host.storage import SqliteStorage

SECONDS = 60


def now_ms():
    return int(time.time() * 1000)


def fresh_node(folder, number, name):
    folder.mkdir()
    node = Node(SqliteStorage(folder / "node.db"), crypto, Identity(crypto, bytes([number]) * 32), name)
    node.open(now_ms())
    return node


async def serve(node, endpoint, over):
    connection = await quic.accept(endpoint)
    peer = quic.peer_of(node, connection)
    await quic.drive(peer, connection, over.is_set)
    return peer


async def talk(server, client, alpn, command):
    """Runs `command(peer)` on a connection of `client` to `server`; (its Task, the client's peer, the server's)."""
    at_server = await quic.bind(server.identity.seed)
    at_client = await quic.bind(client.identity.seed)
    over = asyncio.Event()
    serving = asyncio.create_task(serve(server, at_server, over))
    connection = await quic.dial(at_client, server.identity.public, at_server.bound_sockets()[:1], alpn)
    peer = quic.peer_of(client, connection)
    task = command(peer)
    await quic.drive(peer, connection, lambda: task.done)
    over.set()
    serving_peer = await serving
    peer.close("done")
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
    transfer.put(node.find("notes").files, source, None, now_ms())
    node.commit(now_ms())
    return source.read_bytes()


def log_of(node):
    store = node.find("notes").store
    return sorted(hash for _, hash, _, _ in store.witness_log())


def test_two_nodes_join_and_sync_a_file_over_the_nano_protocol(pair, tmp_path):
    left, right = pair
    content = put_file(left, tmp_path, 1 << 20)
    token = left.invite(left.roots()[0], now_ms())
    report, peer, serving = run(left, right, ALPN_NANO, lambda peer: peer.join(token))
    assert report.complete and peer.connection.alpn == ALPN_NANO
    assert peer.connection.peer == left.identity.public and serving.key == right.identity.public
    transfer.get(right.find("notes").files, "photo.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content
    assert log_of(left) == log_of(right)


def test_the_reference_protocol_carries_intentions_and_nothing_else(pair, tmp_path):
    left, right = pair
    content = put_file(left, tmp_path, 1 << 18)
    token = left.invite(left.roots()[0], now_ms())
    report, peer, _ = run(left, right, ALPN_SYNC, lambda peer: peer.join(token))
    assert report.complete
    assert log_of(left) == log_of(right)
    files = right.find("notes").files
    assert files.get("photo.bin").entry.size == len(content)
    assert list(files.store.blobs()) == []
    # Both ways, on a new connection; then the content over the other protocol.
    right.find("notes").kv.put(b"from", b"the right", now_ms())
    right.commit(now_ms())
    report, _, _ = run(left, right, ALPN_SYNC, lambda peer: peer.sync())
    assert report.complete and log_of(left) == log_of(right)
    report, _, _ = run(left, right, ALPN_NANO, lambda peer: peer.sync())
    assert report.complete
    transfer.get(files, "photo.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content


def test_a_stranger_gets_nothing_over_quic(pair, tmp_path):
    left, right = pair
    right.create_store("own", "core:kvstore", None, now_ms())
    theirs = right.roots()[0]
    stolen = left.invite(left.roots()[0], now_ms())
    left.revoke_invite(left.roots()[0], left.invites(left.roots()[0])[0].id.hex(), now_ms())
    before = left.roots()[0].store.count
    for alpn in (ALPN_NANO, ALPN_SYNC):
        with pytest.raises(Exception, match="invite"):
            run(left, right, alpn, lambda peer: peer.join(stolen))
    assert left.roots()[0].store.count == before and right.roots() == [theirs]


def test_the_quick_copy_is_in_place_and_copies_right():
    assert iroh_copy.install()
