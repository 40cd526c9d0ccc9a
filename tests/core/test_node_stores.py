"""Making, opening and finding stores; what is written for them; children that appear and disappear."""

from lattice_core.errors import StorageFull, UsageError
from lattice_core.model import ops
from lattice_core.node import stores
from lattice_core.node.node import Node
from lattice_core.storage.contract import RECORDS, TABLE_META
from lattice_core.wire.messages import CHILD_ARCHIVED, UniversalOp
from support import raises
from support.nodes import CRYPTO, NOW_MS, carry, join, make_node, meet, reopened, share, value


def written(handle):
    """The ops of a store's log as dicts."""
    return [UniversalOp.decode(handle.store.get(hash).ops_bytes()) for _, hash, _, _ in handle.store.witness_log()]


def test_the_first_store_makes_the_root():
    node, root, data = share()
    assert (root.type, root.parent, data.type, data.parent) == ("core:rootstore", None, "core:kvstore", root.id)
    assert (root.name, data.name) == ("", "notes")
    me = node.identity.public
    genesis, strategy, name, status, child = written(root)
    assert genesis["genesis"]["store_type"] == "core:rootstore"
    assert strategy == {"system": ops.strategy_independent()}
    assert name == {"system": {"peer": {"pubkey": me, "set_name": {"name": "laptop"}}}}
    assert status == {"system": {"peer": {"pubkey": me, "set_status": {"status": 2}}}}
    batch = child["system"]["batch"]["ops"]
    assert batch == [ops.child_add(data.id, "notes", "core:kvstore"), ops.child_status(data.id, 1)]
    genesis, batch = written(data)
    assert genesis["genesis"]["store_type"] == "core:kvstore"
    assert batch["system"]["batch"]["ops"] == [ops.store_name("notes"), ops.strategy_inherited()]


def test_ops_have_the_bytes_that_the_reference_writes():
    child = bytes.fromhex("ece0ea47d06e41199b10064416a9dd24")
    recorded = (
        "5a4932470a2b0a290a270a10ece0ea47d06e41199b10064416a9dd2412056e6f7465731a0c636f72653a6b767374"
        "6f72650a180a161a140a10ece0ea47d06e41199b10064416a9dd241001"
    )
    assert (
        ops.system_batch([ops.child_add(child, "notes", "core:kvstore"), ops.child_status(child, 1)]).hex() == recorded
    )
    assert (
        ops.system_batch([ops.store_name("home"), ops.strategy_independent()]).hex()
        == "5a1832160a0a22080a060a04686f6d650a081a060a040a020801"
    )
    assert ops.system_batch([ops.strategy_independent()]).hex() == "5a081a060a040a020801"


def test_a_second_store_goes_under_the_same_root():
    node, root, data = share()
    other = node.create_store("photos", "core:kvstore", None, NOW_MS)
    assert other.parent == root.id
    assert len(node.tree.roots()) == 1
    assert node.tree.children(root) == [data, other]
    assert node.tree.find("photos") is other
    named = node.create_store("work", "core:rootstore", None, NOW_MS)
    assert named.name == "work"
    assert named.parent is None
    error = raises(UsageError, node.create_store, "more", "core:kvstore", None, NOW_MS)
    assert "work" in str(error)
    assert node.create_store("more", "core:kvstore", named.id, NOW_MS).parent == named.id


def test_what_cannot_be_made():
    node, root, _ = share()
    for store_type in ("core:nothing", "", "CORE:LOGSTORE"):
        raises(UsageError, node.create_store, "x", store_type, None, NOW_MS)
    raises(UsageError, node.create_store, "x", "core:rootstore", root.id, NOW_MS)
    raises(UsageError, node.create_store, "x", "core:kvstore", b"?" * 16, NOW_MS)
    raises(UsageError, node.create_store, "x", "core:kvstore", root.id, NOW_MS, "everybody")
    raises(UsageError, node.create_store, "x\n", "core:kvstore", None, NOW_MS)
    raises(UsageError, node.create_store, "x" * 256, "core:kvstore", None, NOW_MS)
    raises(UsageError, node.create_store, "x", "core:kvstore", None, None)
    assert len(node.tree.replicas) == 2


def test_a_store_is_found_by_name_or_by_the_beginning_of_its_id():
    node, root, data = share()
    text = stores.id_text(data.id)
    assert len(text) == 36
    assert node.tree.find(text) is data
    assert node.tree.find(text[:10]) is data
    assert node.tree.find(text.upper()) is data
    assert node.tree.find(stores.id_text(root.id)) is root
    assert "notes" in str(raises(UsageError, node.tree.find, "nothing"))
    raises(UsageError, node.tree.find, "")
    # Two nodes that have not met may choose the same name.
    node.founding.child(root, "notes", "core:kvstore", NOW_MS)
    assert text[:8] in str(raises(UsageError, node.tree.find, "notes"))
    assert "store create" in str(raises(UsageError, make_node(9).tree.find, "x"))
    assert node.tree.find_root() is root
    assert node.tree.find_root(text) is root
    raises(UsageError, make_node(9).tree.find_root)


def test_a_name_is_used_once_in_a_share():
    node, root, data = share()
    node.create_store("notes-2", "core:kvstore", None, NOW_MS)
    count = root.store.count
    words = str(raises(UsageError, node.create_store, "notes", "core:kvstore", None, NOW_MS))
    assert stores.id_text(data.id) in words
    assert "notes-3" in words
    assert root.store.count == count
    assert len(node.tree.replicas) == 3
    root.write_system([ops.child_status(data.id, CHILD_ARCHIVED)], NOW_MS)
    node.journal.commit(NOW_MS)
    node.create_store("notes", "core:kvstore", None, NOW_MS)


def test_more_stores_than_records():
    node = make_node(1, "laptop")
    for number in range(RECORDS - 3):
        node.storage.put_record(b"filler/%d" % number, b"x")
    for number in range(8):
        made = node.create_store("s%d" % number, "core:kvstore", None, NOW_MS + number)
    made.kv.put(b"k", b"v", NOW_MS + 1000)
    node.journal.commit(NOW_MS)
    again = reopened(node).tree.get(made.id)
    assert value(again, b"k") == b"v"
    assert again.weaver.read_only is None
    tip = again.store.chain(node.identity.public)
    row = again.store.row(TABLE_META, b"own/tip")
    assert int.from_bytes(row[:4], "big") == tip[0]
    assert row[4:] == tip[1]
    # A chain that ends before it, as after a lost tail.
    again.store.put_row(TABLE_META, b"own/tip", (tip[0] + 1).to_bytes(4, "big") + bytes(32))
    again.weaver.reload(NOW_MS)
    raises(UsageError, again.kv.put, b"k", b"fork", NOW_MS + 2000)


def test_stores_that_stay_closed_are_named():
    laptop, root, _ = share()
    made = [laptop.create_store("s%d" % number, "core:kvstore", None, NOW_MS) for number in range(7)]
    assert list(laptop.tree.closed()) == []
    other = make_node(2, "desktop")
    other.tree.limit = 5
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    assert len(other.tree.replicas) == 5
    closed = list(other.tree.closed())
    assert len(closed) == len(laptop.tree.replicas) - 5
    for store_id, root_id, name, why in closed:
        assert root_id == root.id
        assert name in [handle.name for handle in made] + ["notes"]
        assert "at most 5" in why
        assert other.tree.get(store_id) is None
    other.tree.damaged.append((closed[0][0], "its log is damaged"))
    assert next(other.tree.closed())[3] == "its log is damaged"


def test_a_store_closed_for_want_of_room_is_opened_when_there_is_room():
    laptop, root, _ = share()
    other = make_node(2, "small")
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    made = laptop.create_store("more", "core:kvstore", None, NOW_MS)
    room = [5000]
    other.tree._room_for_stores = lambda: room[0]
    tried = []
    store = other.storage.store

    def none_left(store_id):
        tried.append(store_id)
        raise StorageFull("no room")

    other.storage.store = none_left
    carry(laptop, other)
    assert other.tree.get(made.id) is None
    assert "no room" in next(other.tree.closed())[3]
    del tried[:]
    for number in range(20):
        room[0] = 5000 - number * 100
        other.tree.find("notes").kv.put(b"k", b"%d" % number, NOW_MS + number)
        other.journal.commit(NOW_MS)
    assert tried == [], "nothing has changed: it is not tried again and again"
    other.storage.store = store
    room[0] = 7000
    other.journal.commit(NOW_MS)
    assert other.tree.get(made.id) is not None
    assert list(other.tree.closed()) == []
    assert other.storage.pending() == 0


def test_a_store_of_one_share_is_opened_when_another_share_closes_one():
    laptop, root, notes = share()
    desk = make_node(3, "desk")
    desk.create_store("photos", "core:kvstore", None, NOW_MS)
    other = make_node(2, "other")
    other.tree.limit = 3
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    join(other, desk, desk.invites.create(desk.tree.roots()[0], NOW_MS))
    assert [found[2] for found in other.tree.closed()] == ["photos"]
    root.write_system([ops.child_status(notes.id, CHILD_ARCHIVED)], NOW_MS)
    carry(laptop, other)
    assert other.tree.find("photos").parent == desk.tree.roots()[0].id
    assert list(other.tree.closed()) == []


def test_foreign_names_do_not_control_a_terminal():
    node, root, data = share()
    data.write_system([ops.store_name("\x1b[2Jevil" + "x" * 100)], NOW_MS)
    node.members.admit(root, b"k" * 32, "", NOW_MS)
    words = str(raises(UsageError, node.tree.find, "nothing"))
    assert "\\x1b[2Jevil" in words
    assert "\x1b" not in words
    assert len(words) < 250


def test_everything_is_there_after_a_restart():
    node, root, data = share()
    data.kv.put(b"greeting", b"hello", NOW_MS)
    node.rename("desk", NOW_MS)
    again = reopened(node)
    assert again.name == "desk"
    assert [handle.id for handle in again.tree.replicas] == [root.id, data.id]
    found = again.tree.find("notes")
    assert found.type == "core:kvstore"
    assert found.parent == root.id
    assert value(found, b"greeting") == b"hello"
    assert again.members.peer_name(node.identity.public) == "desk"


def test_a_store_that_does_not_fit_leaves_nothing():
    node = make_node(1, "small", capacity=1500)
    raises(StorageFull, node.create_store, "notes", "core:kvstore", None, NOW_MS)
    assert node.tree.replicas == []
    assert node.storage.store_ids() == []
    assert node.storage.pending() == 0


def test_children_open_where_their_root_is_and_later_too():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    assert [handle.id for handle in other.tree.replicas] == [root.id, data.id]
    assert other.tree.find("notes").parent == root.id
    late = node.create_store("late", "core:kvstore", None, NOW_MS)
    late.kv.put(b"k", b"v", NOW_MS)
    node.journal.commit(NOW_MS)
    meet(node, other)
    assert value(other.tree.find("late"), b"k") == b"v"
    assert reopened(other).tree.find("late").name == "late"


def test_an_archived_child_is_closed_and_stays_closed():
    node, root, data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    root.write_system([ops.child_status(data.id, CHILD_ARCHIVED)], NOW_MS)
    node.journal.commit(NOW_MS)
    assert node.tree.get(data.id) is None
    carry(node, other)
    assert other.tree.get(data.id) is None
    assert len(other.tree.replicas) == 1
    again = reopened(other)
    assert len(again.tree.replicas) == 1
    assert data.id in again.storage.store_ids()
    root.write_system([ops.child_status(data.id, 1)], NOW_MS)
    node.journal.commit(NOW_MS)
    carry(node, again)
    assert again.tree.get(data.id) is not None
    assert node.tree.get(data.id) is not None


def test_a_store_that_a_rolled_back_write_closed_is_open_again():
    node, root, data = share()
    root.write_system([ops.child_status(data.id, CHILD_ARCHIVED)], NOW_MS)
    node.tree.refresh(NOW_MS)
    assert node.tree.get(data.id) is None
    node.journal.rollback()
    found = node.tree.get(data.id)
    assert found is not None
    assert found.name == "notes"
    late = node.founding.child(root, "late", "core:kvstore", NOW_MS)
    node.journal.rollback()
    assert node.tree.get(late.id) is None
    assert len(node.tree.replicas) == 2


def test_a_child_without_room_stays_closed_until_there_is_some():
    node, root, _data = share()
    other = make_node(2, "full")
    join(other, node, node.invites.create(root, NOW_MS))
    late = node.create_store("late", "core:kvstore", None, NOW_MS)
    add = other.tree.add

    def full(*arguments):
        other.storage.store(arguments[0])
        raise StorageFull("no room")

    other.tree.add = full
    try:
        carry(node, other)
    finally:
        other.tree.add = add
    assert other.tree.get(late.id) is None
    assert other.tree.get(root.id).store.count == root.store.count
    again = reopened(other)
    assert again.tree.find("late").parent == root.id
    assert len(again.tree.roots()) == 1


def test_a_full_medium_opens_what_it_has():
    """What opening would like to write waits for room; a stick that does not come up for that would be lost."""
    node, root, data = share()
    other = make_node(2, "full")
    join(other, node, node.invites.create(root, NOW_MS))
    data.kv.put(b"k", b"v", NOW_MS)
    node.journal.commit(NOW_MS)
    carry(node, other)
    storage = other.storage.reopened()
    commit = storage.commit
    left = [2]

    def full():
        left[0] -= 1
        if left[0] == -1:  # the one that ends the opening
            raise StorageFull("no room")
        commit()

    storage.commit = full
    again = Node(storage, CRYPTO, other.identity)
    again.open(NOW_MS)
    assert len(again.tree.replicas) == 2
    assert value(again.tree.find("notes"), b"k") == b"v"
    assert not again.journal.spoilt()


def test_a_root_cannot_declare_itself_or_without_end():
    node, root, _data = share()
    root.write_system([ops.child_add(root.id, "me", "core:kvstore")], NOW_MS)
    for number in range(stores.STORES_OPEN + 5):
        root.write_system([ops.child_add(bytes([number]) * 16, "c", "core:kvstore")], NOW_MS)
    node.journal.commit(NOW_MS)
    assert node.tree.get(root.id).parent is None
    assert len(node.tree.replicas) == stores.STORES_OPEN


def test_nothing_is_written_into_a_child_on_discovery():
    node, root, _data = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    assert other.tree.find("notes").store.chain(other.identity.public)[0] == 0
    assert [op for op in written(other.tree.get(root.id)) if "genesis" in op] == written(root)[:1]


def test_a_damaged_store_does_not_keep_the_others_closed():
    node, root, data = share()
    other = node.create_store("other", "core:kvstore", None, NOW_MS)
    hash, author, wall_ms, head = data.store._log[-1]
    data.store._log[-1] = (hash, author, wall_ms + 1, head)
    again = reopened(node)
    assert [handle.id for handle in again.tree.replicas] == [root.id, other.id]
    ((damaged, words),) = again.tree.damaged
    assert damaged == data.id
    assert words
    again.create_store("more", "core:kvstore", None, NOW_MS)
    assert again.tree.get(data.id) is None


def test_new_ids_are_random_version_4():
    first, second = stores.new_id(CRYPTO), stores.new_id(CRYPTO)
    assert first != second
    assert first[6] >> 4 == 4
    assert first[8] >> 6 == 2
