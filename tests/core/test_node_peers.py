"""Who may connect to what, revoking, admitting, the trust of a joiner."""

from lattice_core.errors import UsageError
from lattice_core.model import ops
from lattice_core.node import peers, stores
from node_support import NOW_MS, carry, join, make_node, meet, reopened, share
from support import raises


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
    assert node.may_connect(root.id, key) and not node.may_connect(data.id, key)


def test_admit_writes_once():
    node, root, _ = share()
    key = b"k" * 32
    node.admit(root, key, "stick", NOW_MS)
    count = root.store.count
    assert node.peer_name(key) == "stick" and node.is_member(key)
    assert peers.find(node, root, "stick") == key and peers.find(node, root, peers.key_text(key)[:6]) == key
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
    node, root, data = share()
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


def test_a_malformed_peer_row_hides_nobody():
    node, root, _ = share()
    stores.write_system(root, [ops.peer_status(b"short", 2)], NOW_MS)
    node.admit(root, b"k" * 32, "friend", NOW_MS)
    assert sorted([peer.name for peer in node.peers(root)]) == ["friend", "laptop"]
