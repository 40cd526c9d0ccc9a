"""Who may connect to what, revoking, admitting, the trust of a joiner."""

from lattice_core.errors import StorageFull, UsageError
from lattice_core.model import ops
from lattice_core.node.members import key_text
from lattice_core.wire.messages import PEER_REVOKED
from support import raises
from support.nodes import NOW_MS, carry, join, make_node, meet, reopened, share, value


def test_statuses_decide_who_may_connect():
    node, root, data = share()
    for status, may in ((0, False), (1, False), (2, True), (3, True), (4, False), (77, False)):
        key = bytes([status + 1]) * 32
        root.write_system([ops.peer_status(key, status)], NOW_MS)
        node.journal.commit(NOW_MS)
        assert node.members.may_connect(root.id, key) is may, status
        assert node.members.may_connect(data.id, key) is may, status
    assert not node.members.may_connect(root.id, b"?" * 32)
    assert not node.members.may_connect(b"?" * 16, bytes([3]) * 32)
    assert not node.members.may_connect(root.id, node.identity.public)


def test_a_child_with_its_own_list_does_not_inherit():
    node, root, data = share()
    key = b"k" * 32
    node.members.admit(root, key, "friend", NOW_MS)
    data.write_system([ops.strategy_independent()], NOW_MS)
    node.journal.commit(NOW_MS)
    assert node.members.may_connect(root.id, key)
    assert not node.members.may_connect(data.id, key)


def test_admit_writes_once():
    node, root, _ = share()
    key = b"k" * 32
    node.members.admit(root, key, "stick", NOW_MS)
    count = root.store.count
    assert node.members.peer_name(key) == "stick"
    assert node.members.is_member(key)
    assert node.members.find(root, "stick") == key
    assert node.members.find(root, key_text(key)[:6]) == key
    node.members.admit(root, key, "", NOW_MS)
    assert root.store.count == count


def test_find_says_who_there_is():
    node, root, _ = share()
    node.members.admit(root, b"\xab" * 32, "anna", NOW_MS)
    node.members.admit(root, b"\xac" * 32, "anton", NOW_MS)
    assert "anna" in str(raises(UsageError, node.members.find, root, "berta"))
    assert "anton" in str(raises(UsageError, node.members.find, root, "a"))
    raises(UsageError, node.members.find, root, "")


def test_revoking_shuts_out_everywhere_it_arrives():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    third = make_node(3, "phone")
    join(third, node, node.invites.create(root, NOW_MS))
    meet(node, other)
    assert other.members.may_connect(data.id, third.identity.public)
    node.members.revoke(root, third.identity.public, NOW_MS)
    assert not node.members.may_connect(data.id, third.identity.public)
    assert other.members.may_connect(data.id, third.identity.public)
    carry(node, other)
    assert not other.members.may_connect(data.id, third.identity.public)
    count = root.store.count
    node.members.revoke(root, third.identity.public, NOW_MS)
    assert root.store.count == count


def test_who_cannot_be_revoked():
    node, root, _ = share()
    raises(UsageError, node.members.revoke, root, node.identity.public, NOW_MS)
    raises(UsageError, node.members.revoke, root, b"?" * 32, NOW_MS)


def test_a_joiner_trusts_where_it_joined_until_its_list_arrives():
    node, root, _data = share()
    token = node.invites.create(root, NOW_MS)
    other = make_node(2, "desktop")
    store_type = node.invites.accept(root.id, token.secret, other.identity.public, NOW_MS)
    node.journal.commit(NOW_MS)
    other.complete_join(token, store_type, NOW_MS, node.identity.public)
    assert other.members.may_connect(root.id, node.identity.public)
    assert not other.members.may_connect(root.id, b"?" * 32)
    again = reopened(other, "desktop")
    assert again.members.may_connect(root.id, node.identity.public)
    meet(node, again)
    assert again.after_sync(NOW_MS)
    node.members.revoke(root, again.identity.public, NOW_MS)
    # Once its list names it, the list alone counts.
    again.tree.get(root.id).write_system([ops.peer_status(node.identity.public, 4)], NOW_MS)
    again.journal.commit(NOW_MS)
    assert not again.members.may_connect(root.id, node.identity.public)


def test_a_revoked_inviter_is_not_trusted_by_the_one_it_let_in():
    laptop, root, _ = share()
    inviter, joiner = make_node(7, "inviter"), make_node(8, "joiner")
    join(inviter, laptop, laptop.invites.create(root, NOW_MS))
    token = laptop.invites.create(root, NOW_MS, [inviter.identity.public])
    carry(laptop, inviter)
    joiner.begin_join(token, inviter.identity.public)
    store_type = inviter.invites.accept(token.store_id, token.secret, joiner.identity.public, NOW_MS)
    joiner.complete_join(token, store_type, NOW_MS, inviter.identity.public)
    assert joiner.members.may_connect(root.id, inviter.identity.public)
    carry(inviter, laptop)
    laptop.members.revoke(root, inviter.identity.public, NOW_MS)
    laptop.members.revoke(root, joiner.identity.public, NOW_MS)
    carry(laptop, joiner)
    joiner.after_sync(NOW_MS)
    assert not joiner.members.may_connect(root.id, inviter.identity.public)


def test_a_revocation_that_was_taken_back_does_not_stop_a_join_half_way():
    laptop, root, _ = share()
    server, joiner = make_node(7, "server"), make_node(8, "joiner")
    join(server, laptop, laptop.invites.create(root, NOW_MS))
    laptop.members.revoke(root, server.identity.public, NOW_MS)
    half = root.store.count
    laptop.members.admit(root, server.identity.public, "", NOW_MS)
    carry(laptop, server)
    token = laptop.invites.create(root, NOW_MS)
    carry(laptop, server)
    store_type = server.invites.accept(token.store_id, token.secret, joiner.identity.public, NOW_MS)
    joiner.complete_join(token, store_type, NOW_MS, server.identity.public)
    for sequence in range(1, half + 1):
        joiner.tree.get(root.id).weaver.ingest(root.store.get(root.store.witness_at(sequence)[0]), NOW_MS)
    assert joiner.tree.get(root.id).system.peer(server.identity.public).status == PEER_REVOKED
    assert joiner.members.may_connect(root.id, server.identity.public)


def test_a_name_that_finds_no_room_waits():
    laptop, root, data = share()
    other = make_node(2, "desktop")
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    other.name = "renamed"
    there = other.tree.get(root.id)
    other.tree.get(data.id).kv.put(b"k", b"v", NOW_MS)
    real = there.weaver.submit

    def full(*arguments):
        raise StorageFull("no room")

    there.weaver.submit = full
    assert not other.after_sync(NOW_MS)

    def floats(*arguments):
        raise UsageError("own earlier writes came back")

    there.weaver.submit = floats
    assert not other.after_sync(NOW_MS)
    assert other.storage.pending() == 0
    assert value(other.tree.get(data.id), b"k") == b"v"
    there.weaver.submit = real
    assert other.after_sync(NOW_MS)
    assert other.members.peer_name(other.identity.public) == "renamed"


def test_a_joiner_tells_its_name_once_it_is_in():
    node, root, _ = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    assert node.members.peer_name(other.identity.public) == "desktop"
    count = other.tree.get(root.id).store.count
    assert not other.after_sync(NOW_MS)
    assert other.tree.get(root.id).store.count == count


def test_a_joiner_without_a_clock_stays_silent_and_speaks_later():
    node, root, _ = share()
    stick = make_node(2, "stick")
    token = node.invites.create(root, NOW_MS)
    store_type = node.invites.accept(root.id, token.secret, stick.identity.public, NOW_MS)
    node.journal.commit(NOW_MS)
    stick.complete_join(token, store_type, None, node.identity.public)
    carry(node, stick, None)
    stick.after_sync(None)
    assert stick.tree.get(root.id).store.chain(stick.identity.public)[0] == 0
    stick.after_sync(NOW_MS)
    assert stick.tree.get(root.id).store.chain(stick.identity.public)[0] == 1
    assert stick.members.peer_name(stick.identity.public) == "stick"


def test_a_joiner_with_an_earlier_life_does_not_fork_itself():
    node, root, _ = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    reborn = make_node(2, "desk again")  # the same identity, its data lost
    token = node.invites.create(root, NOW_MS)
    store_type = node.invites.accept(root.id, token.secret, reborn.identity.public, NOW_MS)
    node.journal.commit(NOW_MS)
    reborn.complete_join(token, store_type, NOW_MS, node.identity.public)
    meet(node, reborn)
    reborn.after_sync(NOW_MS)
    meet(node, reborn)
    assert list(node.tree.get(root.id).weaver.forks()) == []
    assert node.members.peer_name(reborn.identity.public) == "desk again"


def test_an_identity_older_than_its_data_writes_nothing_before_a_complete_sync():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    for number in range(10):
        other.tree.get(data.id).kv.put(b"k%d" % number, b"v", NOW_MS + number)
    meet(node, other)
    reborn = make_node(2, "desk again")
    reborn.tree.note_restored()
    token = node.invites.create(root, NOW_MS)
    store_type = node.invites.accept(root.id, token.secret, reborn.identity.public, NOW_MS)
    reborn.complete_join(token, store_type, NOW_MS, node.identity.public)
    carry(node, reborn)
    handle = reborn.tree.get(data.id)
    assert "older than its data" in handle.weaver.read_only
    assert handle.store.count == data.store.count
    raises(UsageError, handle.kv.put, b"new", b"v", NOW_MS + 100)
    reborn = reopened(reborn, "desk again")
    handle = reborn.tree.get(data.id)
    raises(UsageError, handle.kv.put, b"new", b"v", NOW_MS + 100)
    reborn.after_sync(NOW_MS)  # its changed name waits
    reborn.caught_up(handle)
    reborn.caught_up(reborn.tree.get(root.id))
    handle.kv.put(b"new", b"v", NOW_MS + 100)
    assert reborn.after_sync(NOW_MS)
    meet(node, reborn)
    assert value(data, b"new") == b"v"
    assert node.members.peer_name(reborn.identity.public) == "desk again"
    assert list(data.weaver.forks()) == []
    # What it makes itself has no earlier life.
    made = reborn.create_store("mine", "core:kvstore", None, NOW_MS + 200)
    made.kv.put(b"k", b"v", NOW_MS + 201)


def test_a_forked_own_chain_stays_read_only():
    node, root, data = share()
    other, reborn = make_node(2, "desktop"), make_node(2, "desktop")
    for joiner in (other, reborn):
        token = node.invites.create(root, NOW_MS)
        store_type = node.invites.accept(root.id, token.secret, joiner.identity.public, NOW_MS)
        joiner.complete_join(token, store_type, NOW_MS, node.identity.public)
        carry(node, joiner)
    other.tree.get(data.id).kv.put(b"k", b"one", NOW_MS)
    reborn.tree.get(data.id).kv.put(b"k", b"other", NOW_MS + 1)
    handle = reborn.tree.get(data.id)
    handle.weaver.doubt_own_chain(True)
    carry(other, reborn)
    reborn.caught_up(handle)
    raises(UsageError, handle.kv.put, b"k", b"more", NOW_MS + 2)


def test_a_malformed_peer_row_hides_nobody():
    node, root, _ = share()
    root.write_system([ops.peer_status(b"short", 2)], NOW_MS)
    node.members.admit(root, b"k" * 32, "friend", NOW_MS)
    assert sorted([peer.name for peer in node.members.listed(root)]) == ["friend", "laptop"]
