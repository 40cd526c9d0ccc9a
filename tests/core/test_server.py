"""The server of `lattice-sync/1`: who gets what, and what strangers and broken peers cannot do."""

from lattice_core.model import intention as intentions
from lattice_core.sync.common import join
from lattice_core.sync.common.streams import ALPN_SYNC
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.sync.reference.messages import Messages
from lattice_core.sync.reference.peer import RefPeer
from lattice_core.wire.reference_messages import PeerMessage
from support import Rng, raises
from support.fake_connection import Pair
from support.nano import node
from support.reference import RefWorld
from support.server import FAR_MS, Client, requests, shared


def test_strangers_get_no_answer_whether_the_store_is_here_or_not():
    world, notes, _ = shared()
    tip = notes.store.witness_at(1)[0]
    before = notes.store.count
    for store_id in (notes.id, b"\x03" * 16, b"short", b""):
        for request in requests(store_id, tip):
            assert Client(world.left, b"\x07" * 32).ask(request) == []
        bootstrap = {"bootstrap_request": {"store_id": store_id, "limit": 10}}
        (answer,) = Client(world.left, b"\x07" * 32).ask(bootstrap)
        empty = answer["bootstrap_response"]
        assert empty["done"]
        assert not empty["witness_records"]
        assert empty["store_id"] == store_id
    assert notes.store.count == before


def test_members_may_ask_several_things_on_one_stream_and_noise_is_skipped():
    _, notes, client = shared()
    tip = notes.store.witness_at(1)[0]
    fetch = requests(notes.id, tip)[0]
    answers = client.ask({"sync_done": {"store_id": notes.id}}, b"", fetch, b"\x12\x00", fetch)
    assert len(answers) == 2
    for answer in answers:
        (entry,) = answer["intention_response"]["intentions"]
        assert intentions.parse(notes.weaver.crypto, entry["intention_borsh"]).hash == tip


def test_garbage_ends_the_stream_and_the_next_one_works():
    _, notes, client = shared()
    fetch = requests(notes.id, bytes(32))[0]
    assert client.ask(b"\xff\xff", fetch) == []
    assert len(client.ask(fetch)) == 1
    assert client.peer.faults == 1
    assert client.pair.b.closed is None


def test_a_peer_that_keeps_breaking_rules_is_cut_off():
    _world, _, client = shared()
    for _ in range(7):
        assert client.ask(b"\xff") == []
    assert client.pair.b.closed is None
    raises(StreamLost, client.ask, b"\xff")
    assert client.pair.b.closed is not None


def test_a_stream_on_which_nothing_comes_is_ended():
    _, _, client = shared()
    assert client.ask(finish=False, tick_ms=1000) == []


def test_a_stranger_cannot_send_much():
    world, _, _ = shared()
    client = Client(world.left, b"\x07" * 32)
    stream = client.pair.a.open_stream()
    stream.write((8000000).to_bytes(4, "big") + bytes(2000))
    for _ in range(5):
        client.peer.step(client.now_ms)
    assert client.peer.faults == 1
    assert stream.at_end()


def test_a_join_ends_its_stream_and_is_durable():
    world, _notes, _ = shared()
    root = world.left.tree.roots()[0]
    token = world.left.invites.create(root, FAR_MS)
    before = root.store.count
    key = b"\x05" * 32
    asked = {"join_request": {"node_pubkey": key, "store_id": root.id, "invite_secret": token.secret}}
    client = Client(world.left, key)
    answers = client.ask(asked, requests(root.id, bytes(32))[0])
    assert [list(answer) for answer in answers] == [["join_response"]]
    response = answers[0]["join_response"]
    assert response == {
        "inviter_pubkey": world.left.identity.public,
        "store_id": root.id,
        "store_type": "core:rootstore",
    }
    written = root.store.count
    assert written > before
    assert not world.left.storage.pending()
    assert client.ask(asked) == answers
    assert root.store.count == written
    assert Client(world.left, b"\x06" * 32).ask(asked) == []
    assert root.store.count == written


def test_the_secret_is_shown_to_nobody_but_the_inviter_and_the_listed():
    world, _, _ = shared()
    token = world.left.invites.create(world.left.tree.roots()[0], FAR_MS, [])
    impostor, joiner = node(8, "impostor"), node(9, "joiner")
    pair = Pair(joiner.identity.public, impostor.identity.public, ALPN_SYNC, record=True)
    peer = RefPeer(joiner, pair.a)
    task = peer.join(token)
    for _ in range(5):
        peer.step(FAR_MS)
    assert task.error is not None
    assert pair.b.accept_stream() is None
    assert not joiner.tree.replicas
    values = join.request(joiner, token, world.left.identity.public)
    assert values["invite_secret"] == token.secret


def test_a_refused_join_is_told_in_words():
    world, _, _ = shared()
    root = world.left.tree.roots()[0]
    token = world.left.invites.create(root, FAR_MS)
    world.left.invites.revoke(root, token.invite_id(world.left.crypto).hex(), FAR_MS)
    other = RefWorld(world.left, node(9, "joiner"))
    error = raises(Exception, other.run, other.b.join(token))
    assert "invite" in str(error)
    assert not other.right.tree.replicas


def test_revoked_in_the_middle_of_a_session():
    world, notes, client = shared()
    root = world.left.tree.roots()[0]
    opening = {"start": bytes(32), "end": b"\xff" * 32, "fingerprint": b"\x01" * 32, "count": 1}
    stream = client.pair.a.open_stream()
    messages = Messages(stream)
    messages.post({"reconcile": {"store_id": notes.id, "messages": [{"range_fingerprint": opening}]}})
    messages.flush()
    client.peer.step(FAR_MS)
    assert messages.poll() is not None
    world.left.members.revoke(root, world.right.identity.public, FAR_MS)
    foreign = intentions.create(
        notes.weaver.crypto,
        world.right.identity,
        1,
        0,
        notes.id,
        notes.store.chain(world.right.identity.public)[1],
        [],
        b"",
    )
    before = notes.store.count
    listed = {"start": bytes(32), "end": b"\xff" * 32, "hashes": [foreign.hash]}
    messages.post({"reconcile": {"store_id": notes.id, "messages": [{"range_items_reply": listed}]}})
    entry = {"intention_borsh": foreign.body_bytes(), "signature": foreign.signature}
    messages.post({"intention_response": {"store_id": notes.id, "done": True, "intentions": [entry]}})
    for _ in range(5):
        messages.flush()
        client.peer.step(FAR_MS)
    assert notes.store.count == before
    assert not notes.store.has(foreign.hash)
    assert client.peer.faults == 1


def test_any_bytes_end_a_stream_at_worst():
    """Of a stranger nothing changes any state; of a member neither what is no intention."""
    world, notes, member = shared()
    rng = Rng(11)
    tip = notes.store.witness_at(1)[0]
    before = [handle.store.count for handle in world.left.tree.replicas]
    for round in range(60):
        known = rng.below(2)
        client = Client(world.left, member.peer.key if known else rng.bytes(32))
        base = bytearray(PeerMessage.encode(rng.choice(requests(notes.id, tip))))
        for _ in range(rng.below(4)):
            base[rng.below(len(base))] = rng.below(256)
        client.ask(rng.bytes(rng.below(60)), bytes(base), bytes(base[: rng.below(len(base))]))
    assert [handle.store.count for handle in world.left.tree.replicas] == before
