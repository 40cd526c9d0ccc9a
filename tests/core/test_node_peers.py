"""Who may connect to what, revoking, admitting, the trust of a joiner."""

from lattice_core.errors import StorageFull, UsageError
from lattice_core.model import ops
from lattice_core.node import peers, stores
from lattice_core.wire.messages import PEER_REVOKED
from support import raises
from support.nodes import NOW_MS, carry, join, make_node, meet, reopened, share, value


def test_statuses_decide_who_may_connect():
    node, root, data = share()
    for status, may in ((0, False), (1, False), (2, True), (3, True), (4, False), (77, False)):
        key = bytes([status + 1]) * 32
        stores.write_system(root, [ops.peer_status(key, status)], NOW_MS)
        node.commit(NOW_MS)
        assert node.may_connect(root.id, key) is may, status
        assert node.may_connect(data.id, key) is may, status
    assert not node.may_connect(root.id, b"?" * 32)
    assert not node.may_connect(b"?" * 16, bytes([3]) * 32)
    assert not node.may_connect(root.id, node.identity.public)


def test_a_child_with_its_own_list_does_not_inherit():
    node, root, data = share()
    key = b"k" * 32
    node.admit(root, key, "friend", NOW_MS)
    stores.write_system(data, [ops.strategy_independent()], NOW_MS)
    node.commit(NOW_MS)
    assert node.may_connect(root.id, key)
    assert not node.may_connect(data.id, key)


def test_admit_writes_once():
    node, root, _ = share()
    key = b"k" * 32
    node.admit(root, key, "stick", NOW_MS)
    count = root.store.count
    assert node.peer_name(key) == "stick"
    assert node.is_member(key)
    assert peers.find(node, root, "stick") == key
    assert peers.find(node, root, peers.key_text(key)[:6]) == key
    node.admit(root, key, "", NOW_MS)
    assert root.store.count == count


def test_find_says_who_there_is():
    node, root, _ = share()
    node.admit(root, b"\xab" * 32, "anna", NOW_MS)
    node.admit(root, b"\xac" * 32, "anton", NOW_MS)
    assert "anna" in str(raises(UsageError, peers.find, node, root, "berta"))
    assert "anton" in str(raises(UsageError, peers.find, node, root, "a"))
    raises(UsageError, peers.find, node, root, "")


def test_revoking_shuts_out_everywhere_it_arrives():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invite(root, NOW_MS))
    third = make_node(3, "phone")
    join(third, node, node.invite(root, NOW_MS))
    meet(node, other)
    assert other.may_connect(data.id, third.identity.public)
    node.revoke_peer(root, third.identity.public, NOW_MS)
    assert not node.may_connect(data.id, third.identity.public)
    assert other.may_connect(data.id, third.identity.public)
    carry(node, other)
    assert not other.may_connect(data.id, third.identity.public)
    count = root.store.count
    node.revoke_peer(root, third.identity.public, NOW_MS)
    assert root.store.count == count


def test_who_cannot_be_revoked():
    node, root, _ = share()
    raises(UsageError, node.revoke_peer, root, node.identity.public, NOW_MS)
    raises(UsageError, node.revoke_peer, root, b"?" * 32, NOW_MS)


def test_a_joiner_trusts_where_it_joined_until_its_list_arrives():
    node, root, _data = share()
    token = node.invite(root, NOW_MS)
    other = make_node(2, "desktop")
    store_type = node.accept_join(root.id, token.secret, other.identity.public, NOW_MS)
    node.commit(NOW_MS)
    other.complete_join(token, store_type, NOW_MS, node.identity.public)
    assert other.may_connect(root.id, node.identity.public)
    assert not other.may_connect(root.id, b"?" * 32)
    again = reopened(other, "desktop")
    assert again.may_connect(root.id, node.identity.public)
    meet(node, again)
    assert again.settle(NOW_MS)
    node.revoke_peer(root, again.identity.public, NOW_MS)
    # Once its list names it, the list alone counts.
    stores.write_system(again.get(root.id), [ops.peer_status(node.identity.public, 4)], NOW_MS)
    again.commit(NOW_MS)
    assert not again.may_connect(root.id, node.identity.public)


def test_a_revoked_inviter_is_not_trusted_by_the_one_it_let_in():
    laptop, root, _ = share()
    inviter, joiner = make_node(7, "inviter"), make_node(8, "joiner")
    join(inviter, laptop, laptop.invite(root, NOW_MS))
    token = laptop.invite(root, NOW_MS, [inviter.identity.public])
    carry(laptop, inviter)
    joiner.begin_join(token, inviter.identity.public)
    store_type = inviter.accept_join(token.store_id, token.secret, joiner.identity.public, NOW_MS)
    joiner.complete_join(token, store_type, NOW_MS, inviter.identity.public)
    assert joiner.may_connect(root.id, inviter.identity.public)
    carry(inviter, laptop)
    laptop.revoke_peer(root, inviter.identity.public, NOW_MS)
    laptop.revoke_peer(root, joiner.identity.public, NOW_MS)
    carry(laptop, joiner)
    joiner.settle(NOW_MS)
    assert not joiner.may_connect(root.id, inviter.identity.public)


def test_a_revocation_that_was_taken_back_does_not_stop_a_join_half_way():
    laptop, root, _ = share()
    server, joiner = make_node(7, "server"), make_node(8, "joiner")
    join(server, laptop, laptop.invite(root, NOW_MS))
    laptop.revoke_peer(root, server.identity.public, NOW_MS)
    half = root.store.count
    laptop.admit(root, server.identity.public, "", NOW_MS)
    carry(laptop, server)
    token = laptop.invite(root, NOW_MS)
    carry(laptop, server)
    store_type = server.accept_join(token.store_id, token.secret, joiner.identity.public, NOW_MS)
    joiner.complete_join(token, store_type, NOW_MS, server.identity.public)
    for sequence in range(1, half + 1):
        joiner.get(root.id).weaver.ingest(root.store.get(root.store.witness_at(sequence)[0]), NOW_MS)
    assert joiner.get(root.id).system.peer(server.identity.public).status == PEER_REVOKED
    assert joiner.may_connect(root.id, server.identity.public)


def test_a_name_that_finds_no_room_waits():
    laptop, root, data = share()
    other = make_node(2, "desktop")
    join(other, laptop, laptop.invite(root, NOW_MS))
    other.name = "renamed"
    there = other.get(root.id)
    other.get(data.id).kv.put(b"k", b"v", NOW_MS)
    real = there.weaver.submit

    def full(*arguments):
        raise StorageFull("no room")

    there.weaver.submit = full
    assert not other.settle(NOW_MS)

    def floats(*arguments):
        raise UsageError("own earlier writes came back")

    there.weaver.submit = floats
    assert not other.settle(NOW_MS)
    assert other.storage.pending() == 0
    assert value(other.get(data.id), b"k") == b"v"
    there.weaver.submit = real
    assert other.settle(NOW_MS)
    assert other.peer_name(other.identity.public) == "renamed"


def test_a_joiner_tells_its_name_once_it_is_in():
    node, root, _ = share()
    other = make_node(2, "desktop")
    join(other, node, node.invite(root, NOW_MS))
    assert node.peer_name(other.identity.public) == "desktop"
    count = other.get(root.id).store.count
    assert not other.settle(NOW_MS)
    assert other.get(root.id).store.count == count


def test_a_joiner_without_a_clock_stays_silent_and_speaks_later():
    node, root, _ = share()
    stick = make_node(2, "stick")
    token = node.invite(root, NOW_MS)
    store_type = node.accept_join(root.id, token.secret, stick.identity.public, NOW_MS)
    node.commit(NOW_MS)
    stick.complete_join(token, store_type, None, node.identity.public)
    carry(node, stick, None)
    stick.settle(None)
    assert stick.get(root.id).store.chain(stick.identity.public)[0] == 0
    stick.settle(NOW_MS)
    assert stick.get(root.id).store.chain(stick.identity.public)[0] == 1
    assert stick.peer_name(stick.identity.public) == "stick"


def test_a_joiner_with_an_earlier_life_does_not_fork_itself():
    node, root, _ = share()
    other = make_node(2, "desktop")
    join(other, node, node.invite(root, NOW_MS))
    reborn = make_node(2, "desk again")  # the same identity, its data lost
    token = node.invite(root, NOW_MS)
    store_type = node.accept_join(root.id, token.secret, reborn.identity.public, NOW_MS)
    node.commit(NOW_MS)
    reborn.complete_join(token, store_type, NOW_MS, node.identity.public)
    meet(node, reborn)
    reborn.settle(NOW_MS)
    meet(node, reborn)
    assert list(node.get(root.id).weaver.forks()) == []
    assert node.peer_name(reborn.identity.public) == "desk again"


def test_an_identity_older_than_its_data_writes_nothing_before_a_complete_sync():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invite(root, NOW_MS))
    for number in range(10):
        other.get(data.id).kv.put(b"k%d" % number, b"v", NOW_MS + number)
    meet(node, other)
    reborn = make_node(2, "desk again")
    reborn.note_restored()
    token = node.invite(root, NOW_MS)
    store_type = node.accept_join(root.id, token.secret, reborn.identity.public, NOW_MS)
    reborn.complete_join(token, store_type, NOW_MS, node.identity.public)
    carry(node, reborn)
    handle = reborn.get(data.id)
    assert "older than its data" in handle.weaver.read_only
    assert handle.store.count == data.store.count
    raises(UsageError, handle.kv.put, b"new", b"v", NOW_MS + 100)
    reborn = reopened(reborn, "desk again")
    handle = reborn.get(data.id)
    raises(UsageError, handle.kv.put, b"new", b"v", NOW_MS + 100)
    reborn.settle(NOW_MS)  # its changed name waits
    reborn.caught_up(handle)
    reborn.caught_up(reborn.get(root.id))
    handle.kv.put(b"new", b"v", NOW_MS + 100)
    assert reborn.settle(NOW_MS)
    meet(node, reborn)
    assert value(data, b"new") == b"v"
    assert node.peer_name(reborn.identity.public) == "desk again"
    assert list(data.weaver.forks()) == []
    # What it makes itself has no earlier life.
    made = reborn.create_store("mine", "core:kvstore", None, NOW_MS + 200)
    made.kv.put(b"k", b"v", NOW_MS + 201)


def test_a_forked_own_chain_stays_read_only():
    node, root, data = share()
    other, reborn = make_node(2, "desktop"), make_node(2, "desktop")
    for joiner in (other, reborn):
        token = node.invite(root, NOW_MS)
        store_type = node.accept_join(root.id, token.secret, joiner.identity.public, NOW_MS)
        joiner.complete_join(token, store_type, NOW_MS, node.identity.public)
        carry(node, joiner)
    other.get(data.id).kv.put(b"k", b"one", NOW_MS)
    reborn.get(data.id).kv.put(b"k", b"other", NOW_MS + 1)
    handle = reborn.get(data.id)
    handle.weaver.doubt_own_chain(True)
    carry(other, reborn)
    reborn.caught_up(handle)
    raises(UsageError, handle.kv.put, b"k", b"more", NOW_MS + 2)


def test_a_malformed_peer_row_hides_nobody():
    node, root, _ = share()
    stores.write_system(root, [ops.peer_status(b"short", 2)], NOW_MS)
    node.admit(root, b"k" * 32, "friend", NOW_MS)
    assert sorted([peer.name for peer in node.peers(root)]) == ["friend", "laptop"]
