"""The system table: peers, invites, children, strategy and name; rows of any shape; batches nested deep."""

from lattice_core.errors import UsageError
from lattice_core.machines.keys import KEY_BYTES
from lattice_core.model import ops
from lattice_core.model.ids import uuid_text
from lattice_core.storage.contract import ROW_VALUE_BYTES, TABLE_SYSTEM
from lattice_core.wire import messages
from lattice_core.wire.protobuf import varint
from support import raises
from support.weaver import NOW_MS, Author, Replica

KEY, OTHER = b"k" * 32, b"o" * 32
CHILD = bytes(range(16))


def write(replica, *operations):
    """An own intention as the node writes it."""
    found = list(operations)
    return replica.weaver.submit(ops.system_batch(found), replica.system.deps_for(found), NOW_MS)


def rows_of(replica):
    return [key for key, _ in replica.store.rows(TABLE_SYSTEM)]


def test_peers():
    replica = Replica(1)
    write(replica, ops.peer_status(KEY, messages.PEER_ACTIVE), ops.peer_name(KEY, "stick \u00e9"))
    write(replica, ops.peer_name(OTHER, "no status"))
    peer = replica.system.peer(KEY)
    assert (peer.key, peer.status, peer.name) == (KEY, messages.PEER_ACTIVE, "stick \u00e9")
    assert replica.system.peer(OTHER) is None
    assert [peer.key for peer in replica.system.peers()] == [KEY]
    second = write(replica, ops.peer_status(KEY, messages.PEER_REVOKED))
    assert replica.system.peer(KEY).status == messages.PEER_REVOKED
    # The status supersedes the heads of its own row only.
    assert list(second.deps()) == [replica.witnessed()[0]]


def test_children():
    replica = Replica(1)
    write(replica, ops.child_add(CHILD, "notes", "core:kvstore"), ops.child_status(CHILD, messages.CHILD_ACTIVE))
    (child,) = replica.system.children()
    assert (child.id, child.name, child.type, child.status) == (CHILD, "notes", "core:kvstore", messages.CHILD_ACTIVE)
    write(replica, ops.child_status(CHILD, messages.CHILD_ARCHIVED))
    assert next(replica.system.children()).status == messages.CHILD_ARCHIVED
    write(replica, ops.child_remove(CHILD))
    assert list(replica.system.children()) == []
    write(replica, ops.child_add(CHILD, "again", "t"))
    (child,) = replica.system.children()
    assert (child.name, child.type, child.status) == ("again", "t", messages.CHILD_ACTIVE)


def test_invites_show_everybody_who_redeemed_them():
    one, two = Replica(1), Replica(2)
    write(one, ops.invite_status(KEY, messages.INVITE_VALID), ops.invite_invited_by(KEY, one.identity.public))
    two.learn(one)
    for replica, joiner in ((one, b"1" * 32), (two, b"2" * 32)):
        assert replica.system.invite(KEY).status == messages.INVITE_VALID
        write(replica, ops.invite_status(KEY, messages.INVITE_CLAIMED), ops.invite_claimed_by(KEY, joiner))
    one.learn(two)
    two.learn(one)
    for replica in (one, two):
        invite = replica.system.invite(KEY)
        assert invite.status == messages.INVITE_CLAIMED
        assert invite.invited_by == one.identity.public
        assert sorted(invite.claimed_by) == [b"1" * 32, b"2" * 32]
        assert [listed.id for listed in replica.system.invites()] == [KEY]
    assert one.weaver.state_hash() == two.weaver.state_hash()
    assert one.system.invite(OTHER) is None


def test_strategy_and_name():
    replica = Replica(1)
    assert replica.system.strategy() is None
    assert replica.system.name() == ""
    write(replica, ops.store_name("home"), ops.strategy_independent())
    assert replica.system.strategy() == "independent"
    assert replica.system.name() == "home"
    write(replica, ops.strategy_inherited())
    assert replica.system.strategy() == "inherited"
    assert replica.system.snapshot() is None
    write(replica, {"strategy": {"set": {"strategy": {"snapshot": CHILD}}}})
    assert replica.system.strategy() == "snapshot"
    assert replica.system.snapshot() == CHILD
    write(replica, ops.store_name(""))
    assert replica.system.name() == ""


def test_own_operations_need_a_variant():
    replica = Replica(1)
    for operation in ({}, {"peer": {"pubkey": KEY}}, {"invite": {"token_hash": KEY}}, {"hierarchy": {}}):
        raises(UsageError, replica.system.deps_for, [operation])


def test_rows_that_make_no_sense_hide_no_others():
    replica, author = Replica(1), Author(2)
    write(replica, ops.peer_status(KEY, messages.PEER_ACTIVE), ops.child_add(CHILD, "notes", "t"))
    odd = [ops.peer_status(key, messages.PEER_ACTIVE) for key in (b"", b"short", b"x" * 33, b"y" * 4000)]
    odd.append(ops.invite_status(b"i" * 31, 7))
    odd.append({"strategy": {"set": {"strategy": {"snapshot": b"15 bytes of it "}}}})
    odd.append(ops.peer_status(OTHER, -1))
    replica.ingest(author.write(ops.system_batch(odd)))
    assert [(peer.key, peer.status) for peer in replica.system.peers()] == [
        (KEY, messages.PEER_ACTIVE),
        (OTHER, messages.PEER_INVITED),
    ]
    assert replica.system.strategy() == "independent"
    assert list(replica.system.invites()) == []
    assert [child.name for child in replica.system.children()] == ["notes"]
    assert max([len(key) for key in rows_of(replica)]) == KEY_BYTES + 32


def test_values_of_any_length_leave_rows_small():
    replica, author = Replica(1), Author(2)
    name = "n\u00e4me" * 900
    replica.ingest(author.write(ops.system_batch([ops.peer_status(KEY, 2), ops.peer_name(KEY, name)])))
    replica.ingest(author.write(ops.system(ops.store_name(name))))
    replica.ingest(author.write(ops.system(ops.invite_claimed_by(KEY, b"c" * 2000))))
    replica.ingest(author.write(ops.system(ops.child_add(CHILD, "a" * 500, "t" * 500))))
    assert max([len(value) for _, value in replica.store.rows(TABLE_SYSTEM)]) < 200 < ROW_VALUE_BYTES
    # Long names are cut where they are shown, between characters.
    for shown in (replica.system.peer(KEY).name, replica.system.name()):
        assert 200 < len(shown) < len(name)
        assert name.startswith(shown)
    (child,) = replica.system.children()
    assert child.name == "a" * 500
    assert child.type == "t" * 500


def test_the_first_write_of_a_key_in_one_intention_counts():
    replica, author = Replica(1), Author(2)
    batch = {"batch": {"ops": [ops.store_name("first"), {"batch": {"ops": [ops.store_name("second")]}}]}}
    replica.ingest(author.write(ops.system(batch)))
    assert replica.system.name() == "first"


def field(number, data):
    return bytes((number << 3 | 2,)) + varint(len(data)) + data


def test_batches_nest_as_deep_as_the_wire_allows():
    for depth, applies in ((1, True), (47, True), (48, True), (49, False), (300, False)):
        replica, author = Replica(1), Author(2)
        data = messages.SystemOp.encode(ops.store_name("deep"))
        for _ in range(depth):
            data = field(6, field(1, data))
        replica.ingest(author.write(field(11, data)))
        assert replica.system.name() == ("deep" if applies else "")
        assert len(list(replica.weaver.skipped())) == (0 if applies else 1)


def test_nothing_of_a_batch_applies_when_one_of_it_cannot():
    good = messages.SystemOp.encode(ops.store_name("good"))
    short = messages.SystemOp.encode(ops.child_add(b"15 bytes of it ", "n", "t"))
    text = messages.SystemOp.encode(ops.store_name("xx")).replace(b"xx", b"\xc0\x80")
    for bad in (short, text, b"\x0a\x01", b"\x32\x02\x08\x01"):
        replica, author = Replica(1), Author(2)
        replica.ingest(author.write(field(11, field(6, field(1, good) + field(1, bad)))))
        replica.ingest(author.write(ops.system(ops.peer_status(KEY, 2))))
        assert replica.system.name() == "", bad
        assert replica.system.peer(KEY) is not None, bad
        assert len(list(replica.weaver.skipped())) == 1


def test_pieces_of_a_message_are_joined():
    replica, author = Replica(1), Author(2)
    peer = field(1, KEY)
    status = field(3, b"\x08\x02")
    # One operation in two SystemOps, the PeerOp in two pieces: protobuf merges them.
    replica.ingest(author.write(field(11, field(2, peer)) + field(11, field(2, status))))
    assert replica.system.peer(KEY).status == messages.PEER_ACTIVE
    # Of two variants the last counts; app data in between begins anew.
    both = field(2, peer + status) + messages.SystemOp.encode(ops.store_name("last"))
    replica.ingest(author.write(field(11, both)))
    assert replica.system.name() == "last"
    replica.ingest(author.write(field(11, field(4, b"")) + field(10, b"") + field(11, field(2, field(1, OTHER)))))
    assert replica.system.peer(OTHER) is None
    assert list(replica.weaver.skipped()) == []


def test_a_message_in_very_many_pieces_is_skipped():
    name = field(4, messages.StoreOp.encode({"set_name": {"name": "n"}}))
    for count, applies in ((64, True), (65, False), (9000, False)):
        replica, author = Replica(1), Author(2)
        replica.ingest(author.write(field(11, b"") * (count - 1) + field(11, name)))
        replica.ingest(author.write(field(11, field(6, b"") * (count - 1) + field(6, field(1, name)))))
        assert replica.system.name() == ("n" if applies else "")
        assert len(list(replica.weaver.skipped())) == (0 if applies else 2)


def test_a_batch_too_large_to_hold_is_applied_where_it_lies():
    replica, author = Replica(1), Author(2)
    many = [ops.peer_status(bytes((n & 255, n >> 8)) + bytes(30), messages.PEER_ACTIVE) for n in range(522)]
    item = author.write(ops.system_batch(many))
    assert item.ops_size > 20000
    replica.ingest(item)
    assert sum([1 for _ in replica.system.peers()]) == 522
    assert replica.system.peer(bytes((9, 2)) + bytes(30)).status == messages.PEER_ACTIVE


def test_events_name_what_changed():
    replica = Replica(1)
    replica.weaver.events = []
    write(replica, ops.child_add(CHILD, "notes", "t"), ops.peer_status(KEY, 2), ops.store_name("n"))
    what = [event[2:] for event in replica.weaver.events if event[0] == "system"]
    assert what == [("child", CHILD), ("peer", KEY), ("name",)]
    assert uuid_text(CHILD).encode() in rows_of(replica)[0]
