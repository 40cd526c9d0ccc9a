"""The bound of what the lists of a stick take of its memory. Runs on the stick's interpreter with the stick's heap."""

import gc

from boards import EmulatedBoard, fresh_board
from firmware import main
from lattice_core.errors import StorageFull
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.model.intention import ZERO, create
from lattice_core.node import stores
from lattice_core.weaver.weaver import DROPPED, FLOATING, WITNESSED
from lattice_core.wire.messages import INVITE_REVOKED, INVITE_VALID, PEER_ACTIVE, PEER_REVOKED
from lattice_flash.storage import MEMORY_BYTES
from stick_history import STORE, signed_put
from support.nano import START_MS
from support.weaver import put_ops

_EACH = 15  # bytes that an intention with a key takes
_LEFT = 12500  # of the bound, at the beginning of a test


def _desk():
    """(loop, a store, a function that ingests one more intention) on a stick whose memory is nearly used."""
    loop = main.start(fresh_board())
    node, crypto = loop.node, loop.board.crypto
    root = node.create_store("share", stores.ROOT_TYPE, None, START_MS)
    handle = node.add_handle(stores.add_store(node, STORE, stores.KV_TYPE, root.id, START_MS))
    node.commit(START_MS)
    author = Identity(crypto, b"\x09" * 32)
    tip = [ZERO, 0]

    def ingest():
        made = signed_put(crypto, author, tip[0], tip[1])
        fate = handle.weaver.ingest(made, START_MS, True)
        tip[0], tip[1] = made.hash, tip[1] + 1
        node.commit(START_MS)
        return fate

    used = loop.storage.memory_bytes() - 5000 * loop.storage.open_stores()
    stores_told = (MEMORY_BYTES - used - _LEFT) // 5000
    loop.storage.open_stores = lambda: stores_told
    loop.storage._entries_left = 0
    return loop, handle, ingest


def _until_full(ingest):
    for number in range(_LEFT // _EACH):
        try:
            assert ingest() == WITNESSED
        except StorageFull as error:
            return number, str(error)
    raise AssertionError("there is no bound")


def test_lists_are_bounded_and_a_full_stick_goes_on():
    loop, handle, ingest = _desk()
    count, words = _until_full(ingest)
    assert count > 20, (count, words)
    assert "memory" in words, (count, words)
    assert loop.storage.memory_bytes() <= MEMORY_BYTES
    assert not handle.weaver.unfinished
    assert handle.store.count == count
    assert len(list(handle.kv.list())) == count
    again = _until_full(ingest)
    assert again[0] == 0, "a full one takes no more"


def test_no_store_is_opened_beyond_the_bound():
    loop, _, _ = _desk()
    counted = []
    told = loop.storage.open_stores()
    loop.storage.open_stores = lambda: told + len(counted)
    try:
        for number in range(3):  # 5,000 bytes each, of which a margin is left
            stores.add_store(loop.node, b"another-of-test%d" % number, stores.KV_TYPE, None, START_MS)
            counted.append(1)
        raise AssertionError("there was room")
    except StorageFull as error:
        assert "store" in str(error)
    loop.node.rollback()
    assert len(loop.node.stores) == 2


class Writer:
    """Somebody who writes into a store of the stick, from elsewhere."""

    def __init__(self, loop, handle, number):
        self.loop = loop
        self.handle = handle
        self.identity = Identity(loop.board.crypto, bytes([number]) * 32)
        self.key = self.identity.public
        self.tip = ZERO
        self.count = 0

    def write(self, operations, deps=(), expected=WITNESSED):
        """StorageFull leaves everything as it was."""
        return self.write_ops(ops.system_batch(operations), deps, expected)

    def write_ops(self, payload, deps=(), expected=WITNESSED):
        self.count += 1
        crypto, node = self.loop.board.crypto, self.loop.node
        stamp = START_MS + self.count
        made = create(crypto, self.identity, stamp, 0, self.handle.id, self.tip, deps, payload)
        try:
            fate = self.handle.weaver.ingest(made, START_MS, True, True)
        except StorageFull:
            if self.handle.weaver.unfinished:
                node.rollback()
            raise
        node.commit(START_MS)
        assert fate == expected, fate
        self.tip = made.hash
        return made.hash

    def until_full(self, operations_of):
        for number in range(2000):
            try:
                self.write(operations_of(number))
            except StorageFull:
                return number
        raise AssertionError("there is no bound")


def _until_flash_is_full(loop, handle):
    """Content up to its floor, then writes up to theirs."""
    node, crypto = loop.node, loop.board.crypto
    digest = b""
    try:
        while True:
            digest = crypto.blake3_digest(digest)
            handle.store.put_blob(digest, digest * 1024)
            node.commit(START_MS)
    except StorageFull:
        node.commit(START_MS)
    writer = Writer(loop, handle, 8)
    try:
        while True:
            writer.write_ops(put_ops([(b"k%d" % writer.count, crypto.blake3_digest(writer.tip) * 100)]))
    except StorageFull:
        return


def _members(number):
    return [ops.peer_status(b"made up" + bytes([number & 255, number >> 8]) * 12 + b"!", PEER_ACTIVE)]


def _owned(loop):
    """(root, its owner, a member, the member's admission, an invite)."""
    root = loop.node.roots()[0]
    owner, member = Writer(loop, root, 3), Writer(loop, root, 4)
    loop.device.setup(owner.key, "blue", root.id)
    owner.write([ops.peer_status(owner.key, PEER_ACTIVE)])
    admitted = owner.write([ops.peer_status(member.key, PEER_ACTIVE), ops.invite_status(b"i" * 16, INVITE_VALID)])
    return root, owner, member, admitted


def _shuts_out(root, owner, member, admitted):
    for number in range(20):  # the owner does other things as well, in between
        owner.write([ops.peer_status(b"other" + bytes([number]) * 27, PEER_REVOKED)])
    owner.write([ops.peer_status(member.key, PEER_REVOKED), ops.invite_status(b"i" * 16, INVITE_REVOKED)], [admitted])
    assert root.system.peer(member.key).status == PEER_REVOKED
    assert root.system.invite(b"i" * 16).status == INVITE_REVOKED


def test_what_an_owner_shuts_out_is_shut_out_when_others_have_used_all_memory():
    loop, _, ingest = _desk()
    owned = _owned(loop)
    _until_full(ingest)
    assert owned[2].until_full(_members) > 20, "what counts for membership may go on when data may not"
    assert _until_full(ingest)[0] == 0
    _shuts_out(*owned)
    assert loop.storage.memory_bytes() <= MEMORY_BYTES


def test_what_an_owner_shuts_out_is_shut_out_when_others_have_filled_the_flash():
    loop, handle, _ingest = _desk()
    loop.storage.open_stores = lambda: 2
    owned = _owned(loop)
    _until_flash_is_full(loop, handle)
    assert owned[2].until_full(_members) > 5, "what counts for membership may go on when data may not"
    _shuts_out(*owned)


def test_rows_of_data_leave_room_for_what_shuts_out():
    """One write of many small keys takes more of the lists than its own entry."""
    loop, handle, ingest = _desk()
    owned = _owned(loop)
    writer = Writer(loop, handle, 8)
    keys = 700
    while keys > 3:
        try:
            writer.write_ops(put_ops([(b"%d/%d" % (writer.count, key), b"") for key in range(keys)]))
        except StorageFull:
            keys //= 2
    _until_full(ingest)
    _shuts_out(*owned)


NEVER_HERE = [b"what the stick has found no room"]


def _try(function, *arguments):
    try:
        function(*arguments)
    except StorageFull:
        pass


def _shut_out_early(loop, ingest, expected):
    """Whoever is shut out may have written into his own row last, behind more than the stick can take."""
    root, owner, member, _ = _owned(loop)
    if expected == DROPPED:
        stranger = Writer(loop, root, 5)
        for number in range(256):  # nothing more may wait then
            stranger.tip = bytes([number, 1]) * 16
            stranger.write([ops.store_name("x")], [], FLOATING)
    if ingest is not None:
        _until_full(ingest)
    shut_out = [ops.peer_status(member.key, PEER_REVOKED), ops.invite_status(b"i" * 16, INVITE_REVOKED)]
    _try(Writer(loop, root, 6).write, shut_out, NEVER_HERE, expected)
    assert root.system.peer(member.key).status == PEER_ACTIVE, "that was no owner"
    owner.write(shut_out, NEVER_HERE, expected)
    assert not loop.node.is_member(member.key)
    assert not loop.node.may_connect(root.id, member.key)
    assert root.system.invite(b"i" * 16).status == INVITE_REVOKED
    loop.device.add_owner(owner.key, member.key)
    _try(member.write, [ops.peer_status(owner.key, PEER_REVOKED)], NEVER_HERE, expected)
    assert loop.node.is_member(owner.key), "an owner who is shut out himself shuts out nobody"
    return root.id, owner.key, member.key


def test_what_an_owner_shuts_out_is_shut_out_while_that_waits_for_what_finds_no_room():
    loop, _, ingest = _desk()
    _shut_out_early(loop, ingest, FLOATING)


def test_what_an_owner_shuts_out_is_shut_out_when_nothing_more_may_wait():
    loop, _, ingest = _desk()
    _shut_out_early(loop, ingest, DROPPED)


def test_who_was_shut_out_early_stays_so_over_a_start():
    root_id, owner, member = _shut_out_early(_desk()[0], None, FLOATING)
    gc.collect()
    node = main.start(EmulatedBoard()).node
    assert node.is_member(owner)
    assert not node.may_connect(root_id, member)
