"""What every storage must do: one suite for memory, SQLite and flash.

A test file calls `install(globals(), make, reopen)`: `make()` gives a new empty storage, `reopen(storage)` what a
process finds after this one ended without a word (uncommitted writes are gone, committed ones are not); the old
object is not used again. Sizes are small so that everything runs in the stick's heap.
"""

from lattice_core.errors import StorageFull
from lattice_core.model.intention import encode_body, from_body, parse
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import (
    RECORD_VALUE_BYTES,
    ROW_KEY_BYTES,
    ROW_VALUE_BYTES,
    TABLE_BLOBS,
    TABLE_DATA,
    TABLE_HEADS,
    TABLE_META,
    TABLE_SYSTEM,
    ZERO,
)
from support import Rng, crypto, raises

STORE = b"store-0123456789"
OTHER = b"other-0123456789"
TABLES_USED = (TABLE_DATA, TABLE_SYSTEM, TABLE_META, TABLE_BLOBS, TABLE_HEADS)


def intention(author, prev=ZERO, ops=b"ops", wall_ms=1000, store_id=STORE, deps=()):
    """An intention with a signature of the right length that nobody checks: storage does not."""
    body = encode_body(author, wall_ms, 0, store_id, prev, deps, ops)
    return parse(crypto(), body, b"s" * 64)


def author_key(number):
    return bytes([number]) * 32


def chain(author, length, store_id=STORE):
    """`length` linked intentions of one author."""
    made = []
    prev = ZERO
    for i in range(length):
        made.append(intention(author, prev, b"ops-%d" % i, 1000 + i, store_id))
        prev = made[-1].hash
    return made


def head(number):
    return bytes([number & 255, number >> 8]) + b"h" * 30


def check_a_body_behind_one_that_never_came_whole(make, reopen):
    """What a body cut short leaves behind, by a stop or by being given up, does not move the next one."""
    rng = Rng(5)
    storage = make()
    for extra in range(8):
        writer = storage.body_writer(20000)
        writer.write(rng.bytes(801 + extra))
        storage.store(STORE).put_row(TABLE_META, b"else %d" % extra, b"is committed meanwhile")
        storage.commit()
        if extra & 4:
            writer.discard()
        else:
            storage = reopen(storage)
        store = storage.store(STORE)
        data = rng.bytes(997 + extra)
        other = storage.body_writer(5000)
        other.write(data)
        store.put_blob(bytes([extra]) * 32, other.body())
        storage.commit()
        for _ in range(2):
            body = storage.store(STORE).blob(bytes([extra]) * 32)
            assert body.read(0, body.size) == data, extra
            storage = reopen(storage)


def check_a_body_that_a_writer_has_stored_needs_no_room_again(make, reopen):
    storage = make()
    ops = b"x" * 9000
    item = intention(author_key(3), ops=ops)
    before = storage.room()
    writer = storage.body_writer(item.body.size)
    writer.write(item.body.read(0, item.body.size))
    body = writer.body()
    written = before - storage.room() >= item.body.size  # by the writer; a storage may also wait until it is put
    assert storage.to_write(body) == (0 if written else item.body.size)
    storage.store(STORE).put(from_body(body, item.hash, item.signature))
    storage.commit()
    assert before - storage.room() < 2 * item.body.size + 20000
    assert storage.store(STORE).get(item.hash).body.read(0, 10) == item.body.read(0, 10)


# -- intentions --------------------------------------------------------------------------------------------------


def check_intention_comes_back_whole(make, reopen):
    storage = make()
    item = intention(author_key(1), ops=b"\x00\xffdata", wall_ms=1700000000123, deps=(b"d" * 32, b"e" * 32))
    storage.store(STORE).put(item)
    for _ in range(2):
        got = storage.store(STORE).get(item.hash)
        assert got.hash == item.hash
        assert got.signature == item.signature
        assert got.author == item.author
        assert got.wall_ms == item.wall_ms
        assert got.store_prev == ZERO
        assert got.dep_count == 2
        assert got.body.size == item.body.size
        assert got.body.read(0, got.body.size) == item.body.read(0, item.body.size)
        assert got.body.read(97, 5) == item.body.read(97, 5)
        storage.commit()
        storage = reopen(storage)
    assert storage.store(STORE).get(b"x" * 32) is None


def check_put_is_idempotent_and_keeps_the_first(make, reopen):
    storage = make()
    store = storage.store(STORE)
    item = intention(author_key(1))
    store.put(item)
    second = parse(crypto(), item.body.read(0, item.body.size), b"t" * 64)
    store.put(second)
    assert store.floating() == [item.hash]
    assert store.get(item.hash).signature == b"s" * 64


def check_floating_is_in_order_of_arrival(make, reopen):
    storage = make()
    store = storage.store(STORE)
    items = [intention(author_key(n), ops=b"%d" % n) for n in range(1, 7)]
    for item in items:
        store.put(item)
    store.witness(items[2].hash, 5, head(1))
    store.drop(items[4].hash)
    store.drop(b"absent" + bytes(26))
    expected = [items[i].hash for i in (0, 1, 3, 5)]
    assert store.floating() == expected
    storage.commit()
    storage = reopen(storage)
    store = storage.store(STORE)
    assert store.floating() == expected
    assert not store.has(items[4].hash)
    assert store.get(items[4].hash) is None
    store.drop(items[0].hash)
    assert store.floating() == expected[1:]
    storage.rollback()
    assert storage.store(STORE).floating() == expected
    raises(ValueError, storage.store(STORE).drop, items[2].hash)


def check_a_dropped_intention_may_come_again(make, reopen):
    storage = make()
    store = storage.store(STORE)
    item = intention(author_key(1))
    for _ in range(2):
        store.put(item)
        storage.commit()
        store.drop(item.hash)
        storage.commit()
        assert not store.has(item.hash)
    store.put(item)
    store.witness(item.hash, 1, head(1))
    storage.commit()
    store = reopen(storage).store(STORE)
    assert store.get(item.hash).hash == item.hash
    assert store.count == 1
    assert store.floating() == []


def check_large_bodies_stream(make, reopen):
    storage = make()
    store = storage.store(STORE)
    ops = bytes(range(256)) * 160
    item = intention(author_key(3), ops=ops)
    data = item.body.read(0, item.body.size)
    writer = storage.body_writer(len(data))
    for at in range(0, len(data), 1000):
        writer.write(memoryview(data)[at : at + 1000])
    body = writer.body()
    assert body.size == len(data)
    assert body.read(40000, 20) == data[40000:40020]
    store.put(from_body(body, item.hash, item.signature))
    store.witness(item.hash, 9, head(1))
    storage.commit()
    dropped = storage.body_writer(5000)
    dropped.write(b"x" * 3000)
    dropped.discard()
    got = reopen(storage).store(STORE).get(item.hash)
    assert got.body.size == len(data)
    assert got.ops_size == len(ops)
    for at in (0, 255, 20000, len(data) - 7):
        assert got.body.read(at, 7) == data[at : at + 7]


# -- witness log and chains ----------------------------------------------------------------------------------------


def check_witness_log_and_chains(make, reopen):
    storage = make()
    store = storage.store(STORE)
    assert (store.count, store.head) == (0, ZERO)
    assert store.chain(author_key(1)) == (0, ZERO)
    assert store.authors() == []
    one, two = chain(author_key(1), 4), chain(author_key(2), 3)
    order = [one[0], two[0], one[1], one[2], two[1], two[2], one[3]]
    for item in reversed(order):
        store.put(item)
    for number, item in enumerate(order):
        store.witness(item.hash, 100 + number, head(number + 1))
    for _ in range(2):
        _check_log(store, order, one, two)
        storage.commit()
        storage = reopen(storage)
        store = storage.store(STORE)


def _check_log(store, order, one, two):
    assert store.count == 7
    assert store.head == head(7)
    for number, item in enumerate(order):
        assert store.witness_sequence(item.hash) == number + 1
        assert store.witness_at(number + 1) == (item.hash, 100 + number)
        assert store.witness_author(number + 1) == item.author
        assert store.head_at(number + 1) in (None, head(number + 1))
    assert store.witness_sequence(b"n" * 32) == 0
    expected = [(n + 1, item.hash, item.author, 100 + n) for n, item in enumerate(order)]
    assert list(store.witness_log()) == expected
    assert list(store.witness_log(5)) == expected[5:]
    assert list(store.witness_log(7)) == []
    assert store.authors() == [author_key(1), author_key(2)]
    assert store.newest_authors(5) == [author_key(1), author_key(2)]
    assert store.newest_authors(1) == [author_key(1)]
    for items in (one, two):
        assert store.chain(items[0].author) == (len(items), items[-1].hash)
        for number, item in enumerate(items):
            assert store.chain_at(item.author, number + 1) == item.hash
        raises(ValueError, store.chain_at, items[0].author, 0)
        raises(ValueError, store.chain_at, items[0].author, len(items) + 1)
    raises(ValueError, store.chain_at, author_key(9), 1)
    for wrong in (0, 8):
        raises(ValueError, store.witness_at, wrong)
        raises(ValueError, store.witness_author, wrong)
        raises(ValueError, store.head_at, wrong)


def check_witness_log_grows_while_read(make, reopen):
    storage = make()
    store = storage.store(STORE)
    items = chain(author_key(1), 5)
    for item in items:
        store.put(item)
    for item in items[:3]:
        store.witness(item.hash, 1, head(1))
    seen = []
    for sequence, hash, _, _ in store.witness_log(1):
        seen.append(hash)
        if sequence == 3:
            store.witness(items[3].hash, 1, head(2))
    assert seen[:2] == [items[1].hash, items[2].hash]
    assert seen[2:] in ([], [items[3].hash])


def check_many_authors(make, reopen):
    storage = make()
    store = storage.store(STORE)
    tips = []
    for n in range(1, 41):
        item = intention(author_key(n), ops=b"%d" % n)
        store.put(item)
        store.witness(item.hash, n, head(n))
        tips.append(item.hash)
    again = intention(author_key(7), tips[6], b"again")
    store.put(again)
    store.witness(again.hash, 50, head(50))
    storage.commit()
    store = reopen(storage).store(STORE)
    assert store.authors() == [author_key(n) for n in range(1, 41)]
    assert store.newest_authors(3) == [author_key(7), author_key(40), author_key(39)]
    assert store.chain(author_key(7)) == (2, again.hash)
    assert store.chain(author_key(8)) == (1, tips[7])


# -- transactions --------------------------------------------------------------------------------------------------


def check_rollback_undoes_everything(make, reopen):
    storage = make()
    store = storage.store(STORE)
    first, second = chain(author_key(1), 2)
    store.put(first)
    store.witness(first.hash, 1, head(1))
    store.put_row(TABLE_DATA, b"key", b"old")
    store.put_blob(b"b" * 32, b"blob")
    storage.put_record(b"name", b"old")
    storage.commit()
    _change_everything(storage, second)
    storage.rollback()
    _check_unchanged(storage, first, second)
    _change_everything(storage, second)
    _check_unchanged(reopen(storage), first, second)


def _change_everything(storage, item):
    store = storage.store(STORE)
    store.put(item)
    store.witness(item.hash, 2, head(2))
    stranger = intention(author_key(5))
    store.put(stranger)
    store.witness(stranger.hash, 3, head(3))
    store.put_row(TABLE_DATA, b"key", None)
    store.put_row(TABLE_DATA, b"key2", b"new")
    store.put_row(TABLE_META, b"key", b"new")
    store.drop_blob(b"b" * 32)
    store.put_blob(b"c" * 32, b"another")
    storage.put_record(b"name", b"new")
    storage.put_record(b"more", b"new")
    storage.store(OTHER).put_row(TABLE_DATA, b"key", b"value")
    assert storage.pending() > 0


def _check_unchanged(storage, first, second):
    assert storage.store_ids() == [STORE]
    store = storage.store(STORE)
    assert (store.count, store.head) == (1, head(1))
    assert not store.has(second.hash)
    assert store.witness_sequence(second.hash) == 0
    assert store.chain(author_key(1)) == (1, first.hash)
    assert store.chain(author_key(5)) == (0, ZERO)
    assert store.authors() == [author_key(1)]
    assert store.floating() == []
    assert list(store.rows(TABLE_DATA)) == [(b"key", b"old")]
    assert list(store.rows(TABLE_META)) == []
    assert store.has_blob(b"b" * 32)
    assert not store.has_blob(b"c" * 32)
    assert storage.record(b"name") == b"old"
    assert storage.record(b"more") is None


def check_reads_see_the_open_transaction(make, reopen):
    storage = make()
    store = storage.store(STORE)
    store.put_row(TABLE_DATA, b"a", b"1")
    storage.commit()
    assert storage.pending() == 0
    store.put_row(TABLE_DATA, b"a", None)
    store.put_row(TABLE_DATA, b"b", b"2")
    assert store.row(TABLE_DATA, b"a") is None
    assert store.row(TABLE_DATA, b"b") == b"2"
    assert list(store.rows(TABLE_DATA)) == [(b"b", b"2")]
    storage.commit()
    assert list(reopen(storage).store(STORE).rows(TABLE_DATA)) == [(b"b", b"2")]


def check_stores_are_apart_and_ordered(make, reopen):
    storage = make()
    ids = [bytes([250 - n]) * 16 for n in range(4)]
    for number, store_id in enumerate(ids):
        store = storage.store(store_id)
        assert store.id == store_id
        assert storage.store(store_id) is store
        store.put_row(TABLE_DATA, b"key", b"%d" % number)
        item = intention(author_key(1), ops=b"%d" % number, store_id=store_id)
        store.put(item)
        if number != 2:
            store.witness(item.hash, 1, head(number + 1))
        store.put_blob(bytes([number]) * 32, b"blob of %d" % number)
    storage.commit()
    storage = reopen(storage)
    assert storage.store_ids() == ids
    for number, store_id in enumerate(ids):
        store = storage.store(store_id)
        assert store.row(TABLE_DATA, b"key") == b"%d" % number
        assert store.count == (0 if number == 2 else 1)
        assert [hash for hash, _ in store.blobs()] == [bytes([number]) * 32]


# -- rows ------------------------------------------------------------------------------------------------------------


def check_row_order_prefix_and_after(make, reopen):
    storage = make()
    store = storage.store(STORE)
    keys = [
        b"",
        b"\x00",
        b"\x00\x00",
        b"a",
        b"a\x00",
        b"a\xff",
        b"a\xff\xff",
        b"aa",
        b"ab",
        b"b",
        b"\xfe",
        b"\xff",
        b"\xff\xff",
    ]
    rng = Rng(5)
    for key in rng.shuffle(list(keys)):
        store.put_row(TABLE_DATA, key, b"v" + key)
    expected = sorted(keys)
    for _ in range(2):
        assert [key for key, _ in store.rows(TABLE_DATA)] == expected
        assert all(value == b"v" + key for key, value in store.rows(TABLE_DATA))
        for prefix in (b"", b"\x00", b"a", b"a\xff", b"\xff", b"zz"):
            for after in (None, b"", b"\x00", b"a", b"a\x01", b"ab", b"\xff", b"\xff\xff\xff"):
                wanted = [k for k in expected if k.startswith(prefix) and (after is None or k > after)]
                assert [k for k, _ in store.rows(TABLE_DATA, prefix, after)] == wanted, (prefix, after)
        storage.commit()
        storage = reopen(storage)
        store = storage.store(STORE)


def check_row_limits(make, reopen):
    storage = make()
    store = storage.store(STORE)
    longest = b"k" * ROW_KEY_BYTES
    store.put_row(TABLE_SYSTEM, longest, b"v" * ROW_VALUE_BYTES)
    store.put_row(TABLE_SYSTEM, b"empty", b"")
    store.put_row(TABLE_SYSTEM, b"view", memoryview(b"xvaluex")[1:6])
    raises(ValueError, store.put_row, TABLE_SYSTEM, longest + b"k", b"")
    raises(ValueError, store.put_row, TABLE_SYSTEM, b"k", b"v" * (ROW_VALUE_BYTES + 1))
    storage.commit()
    store = reopen(storage).store(STORE)
    assert store.row(TABLE_SYSTEM, longest) == b"v" * ROW_VALUE_BYTES
    assert store.row(TABLE_SYSTEM, b"empty") == b""
    assert store.row(TABLE_SYSTEM, b"view") == b"value"
    assert store.row(TABLE_SYSTEM, b"absent") is None
    assert store.row(TABLE_DATA, longest) is None


def check_rows_change_while_iterated(make, reopen):
    storage = make()
    store = storage.store(STORE)
    for n in range(20):
        store.put_row(TABLE_DATA, b"k%02d" % n, b"%d" % n)
    storage.commit()
    seen = []
    for key, _ in store.rows(TABLE_DATA, b"k"):
        seen.append(key)
        if key == b"k03":
            store.put_row(TABLE_DATA, b"k03", None)
            store.put_row(TABLE_DATA, b"k05", None)
            store.put_row(TABLE_DATA, b"k01x", b"behind")
            store.put_row(TABLE_DATA, b"k07x", b"ahead")
        if key == b"k10":
            store.put_row(TABLE_DATA, b"k12", b"changed")
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen)
    for n in range(20):
        assert (b"k%02d" % n in seen) == (n != 5)
    assert b"k01x" not in seen
    assert b"k07x" in seen


def check_rows_against_a_dict(make, reopen):
    for seed in range(3):
        _random_rows(make(), reopen, Rng(seed + 10))


def _random_rows(storage, reopen, rng):
    committed, model = {}, {}
    for _ in range(400):
        store = storage.store(STORE)
        dice = rng.below(100)
        key = bytes([97 + rng.below(4) for _ in range(rng.below(5))])
        if dice < 60:
            value = rng.bytes(rng.below(40))
            store.put_row(TABLE_DATA, key, value)
            model[key] = value
        elif dice < 80:
            store.put_row(TABLE_DATA, key, None)
            model.pop(key, None)
        elif dice < 85:
            storage.commit()
            committed = dict(model)
        elif dice < 88:
            storage.rollback()
            model = dict(committed)
        elif dice < 90:
            storage = reopen(storage)
            model = dict(committed)
        else:
            after = None if rng.below(2) else bytes([97 + rng.below(4)])
            wanted = [(k, model[k]) for k in sorted(model) if k.startswith(key) and (after is None or k > after)]
            assert list(store.rows(TABLE_DATA, key, after)) == wanted
        assert storage.store(STORE).row(TABLE_DATA, key) == model.get(key)


# -- the whole thing against a model ---------------------------------------------------------------------------------


class _Model:
    """What a store should hold."""

    def __init__(self):
        self.floating = []
        self.log = []
        self.rows = {}
        self.blobs = {}

    def copy(self):
        other = _Model()
        other.floating = list(self.floating)
        other.log = list(self.log)
        other.rows = dict(self.rows)
        other.blobs = dict(self.blobs)
        return other


def check_random_operations_against_a_model(make, reopen):
    for seed in range(2):
        _random_operations(make(), reopen, Rng(seed + 100))


def _random_operations(storage, reopen, rng):
    chains = [chain(author_key(n), 12) for n in (1, 2, 3)]
    model, committed = _Model(), _Model()
    for step in range(250):
        dice = rng.below(100)
        if dice < 85:
            _random_step(storage.store(STORE), model, chains, rng, step)
        elif dice < 92:
            storage.commit()
            committed = model.copy()
        elif dice < 96:
            storage.rollback()
            model = committed.copy()
        else:
            storage = reopen(storage)
            model = committed.copy()
        if step % 25 == 24:
            _compare(storage.store(STORE), model, chains)


def _random_step(store, model, chains, rng, step):
    dice = rng.below(10)
    witnessed = [item.hash for item in model.log]
    items = rng.choice(chains)
    if dice < 4:
        item = rng.choice(items)
        store.put(item)
        if item.hash not in witnessed and item.hash not in model.floating:
            model.floating.append(item.hash)
    elif dice < 7:
        length = store.chain(items[0].author)[0]
        if length < len(items) and items[length].hash in model.floating:
            store.witness(items[length].hash, step, head(len(model.log) + 1))
            model.floating.remove(items[length].hash)
            model.log.append(items[length])
    elif dice == 7 and model.floating:
        hash = rng.choice(model.floating)
        store.drop(hash)
        model.floating.remove(hash)
    elif dice == 8:
        key = b"k%d" % rng.below(20)
        value = rng.bytes(rng.below(60)) if rng.below(3) else None
        store.put_row(TABLE_SYSTEM, key, value)
        _put(model.rows, key, value)
    else:
        hash = bytes([rng.below(5)]) * 32
        if rng.below(3):
            store.put_blob(hash, b"blob " + hash)
            model.blobs[hash] = b"blob " + hash
        else:
            store.drop_blob(hash)
            model.blobs.pop(hash, None)


def _put(mapping, key, value):
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _compare(store, model, chains):
    assert store.floating() == model.floating
    assert store.count == len(model.log)
    assert store.head == (head(len(model.log)) if model.log else ZERO)
    assert [entry[1] for entry in store.witness_log()] == [item.hash for item in model.log]
    for number, item in enumerate(model.log):
        assert store.witness_sequence(item.hash) == number + 1
        assert store.witness_author(number + 1) == item.author
        place = len([1 for other in model.log[: number + 1] if other.author == item.author])
        assert store.position(item.hash) == (item.author, place)
        assert store.length_at(item.author, number + 1) == place
        got = store.get(item.hash)
        assert got.body.read(0, got.body.size) == item.body.read(0, item.body.size)
    for items in chains:
        mine = [item.hash for item in model.log if item.author == items[0].author]
        assert store.chain(items[0].author) == (len(mine), mine[-1] if mine else ZERO)
        assert [store.chain_at(items[0].author, q + 1) for q in range(len(mine))] == mine
        for item in items:
            assert store.has(item.hash) == (item.hash in mine or item.hash in model.floating)
    assert dict(store.rows(TABLE_SYSTEM)) == model.rows
    assert dict(store.blobs()) == {hash: len(data) for hash, data in model.blobs.items()}
    for hash, data in model.blobs.items():
        assert store.blob(hash).read(0, len(data)) == data


# -- blobs, records, a full medium -------------------------------------------------------------------------------------


def check_blobs(make, reopen):
    storage = make()
    store = storage.store(STORE)
    data = bytes(range(256)) * 40
    store.put_blob(b"1" * 32, data)
    store.put_blob(b"1" * 32, data)
    store.put_blob(b"2" * 32, BytesBody(b"from a body"))
    writer = storage.body_writer(len(data))
    writer.write(data[:5000])
    writer.write(data[5000:])
    store.put_blob(b"3" * 32, writer.body())
    store.put_blob(b"0" * 32, b"")
    storage.commit()
    storage = reopen(storage)
    store = storage.store(STORE)
    assert sorted(store.blobs()) == [(b"0" * 32, 0), (b"1" * 32, 10240), (b"2" * 32, 11), (b"3" * 32, 10240)]
    assert store.blob(b"3" * 32).read(255, 300) == data[255:555]
    assert store.blob(b"0" * 32).size == 0
    assert store.blob(b"2" * 32).read(0, 11) == b"from a body"
    assert store.blob(b"9" * 32) is None
    assert not storage.store(OTHER).has_blob(b"1" * 32)
    store.drop_blob(b"1" * 32)
    store.drop_blob(b"9" * 32)
    storage.commit()
    store = reopen(storage).store(STORE)
    assert not store.has_blob(b"1" * 32)
    assert store.has_blob(b"2" * 32)


def check_records(make, reopen):
    storage = make()
    assert storage.record(b"identity") is None
    storage.put_record(b"identity", b"i" * RECORD_VALUE_BYTES)
    storage.put_record(b"tip" + STORE, b"1")
    storage.put_record(b"empty", b"")
    storage.commit()
    storage.put_record(b"tip" + STORE, b"2")
    assert storage.record(b"tip" + STORE) == b"2"
    storage = reopen(storage)
    assert storage.record(b"tip" + STORE) == b"1"
    assert storage.record(b"empty") == b""
    raises(ValueError, storage.put_record, b"x", b"i" * (RECORD_VALUE_BYTES + 1))
    storage.put_record(b"identity", None)
    storage.commit()
    storage = reopen(storage)
    assert storage.record(b"identity") is None
    assert storage.record(b"tip" + STORE) == b"1"


def check_commit_when_clean_is_free(make, reopen):
    storage = make()
    storage.store(STORE).put_row(TABLE_DATA, b"a", b"b")
    assert storage.pending() > 0
    storage.commit()
    storage.commit()
    storage.rollback()
    assert storage.pending() == 0
    assert storage.store(STORE).row(TABLE_DATA, b"a") == b"b"


def check_full_storage_refuses_and_stays_readable(make, reopen):
    """`make` must give a storage that fits less than 8 MiB; skipped by storages without a limit (room over 64 MiB)."""
    storage = make()
    if storage.room() > 1 << 26:
        return
    store = storage.store(STORE)
    item = intention(author_key(1))
    store.put(item)
    store.put_row(TABLE_DATA, b"key", b"value")
    storage.commit()
    raises(StorageFull, storage.body_writer, storage.room() + (1 << 20))
    stored = _fill(storage, store)
    assert stored > 0
    assert store.has(item.hash)
    assert store.row(TABLE_DATA, b"key") == b"value"
    storage = reopen(storage)
    store = storage.store(STORE)
    assert store.get(item.hash).hash == item.hash
    assert store.row(TABLE_DATA, b"key") == b"value"
    for number in range(stored):
        assert store.blob(_blob_name(number)).read(4000, 3) == bytes([number & 255]) * 3
    store.drop_blob(_blob_name(0))
    storage.commit()
    assert not store.has_blob(_blob_name(0))


def _blob_name(number):
    return bytes([number & 255, number >> 8]) + b"f" * 30


def _fill(storage, store):
    """Puts blobs, each committed, until StorageFull; returns how many are committed."""
    number = 0
    while number < 2048:
        try:
            store.put_blob(_blob_name(number), bytes([number & 255]) * 4096)
            storage.commit()
        except StorageFull:
            storage.rollback()
            return number
        number += 1
    raise AssertionError("8 MiB did not fill it")


def check_ranges_of_witnessed_hashes(make, reopen):
    """Hosts and memory only: count, XOR and lists over any range, before and after commits and rollbacks."""
    storage = make()
    store = storage.store(STORE)
    rng = Rng(5)
    items = chain(author_key(1), 48)
    hashes = [item.hash for item in items]

    def witness(first, behind):
        for number in range(first, behind):
            store.put(items[number])
            store.witness(hashes[number], 1, head(number))
            _compare_ranges(store, hashes[: number + 1], rng)

    witness(0, 12)
    storage.commit()
    witness(12, 30)
    storage.rollback()
    _compare_ranges(store, hashes[:12], rng)
    witness(12, 40)
    for item in items[40:]:
        store.put(item)  # what floats is in no range
    storage.commit()
    _compare_ranges(reopen(storage).store(STORE), hashes[:40], rng)


def _compare_ranges(store, hashes, rng):
    for start, end in ((ZERO, None), (ZERO, b"\xff" * 32), (rng.bytes(32), rng.bytes(32)), (rng.choice(hashes), None)):
        found = sorted([hash for hash in hashes if start <= hash and (end is None or hash < end)])
        total = 0
        for hash in found:
            total ^= int.from_bytes(hash, "big")
        assert store.range_summary(start, end) == (len(found), total.to_bytes(32, "big"))
        assert store.range_hashes(start, end, 7) == found[:7]


def check_nothing_was_let_go(make, reopen):
    storage = make()
    store = storage.store(STORE)
    items = chain(author_key(1), 3)
    for number, item in enumerate(items):
        store.put(item)
        assert store.position(item.hash) is None
        if number < 2:
            store.witness(item.hash, 1, head(number + 1))
    storage.commit()
    store = reopen(storage).store(STORE)
    assert store.first_sequence == 1
    author = items[0].author
    assert store.chain_base(author) == (0, ZERO, 0)
    assert [store.position(item.hash) for item in items] == [(author, 1), (author, 2), None]
    assert [store.length_at(author, sequence) for sequence in range(4)] == [0, 1, 2, 2]
    assert store.length_at(author_key(2), 2) == 0
    assert not any(store.pinned(item.hash) for item in items)


CHECKS = (
    check_nothing_was_let_go,
    check_intention_comes_back_whole,
    check_put_is_idempotent_and_keeps_the_first,
    check_floating_is_in_order_of_arrival,
    check_a_dropped_intention_may_come_again,
    check_large_bodies_stream,
    check_witness_log_and_chains,
    check_witness_log_grows_while_read,
    check_many_authors,
    check_rollback_undoes_everything,
    check_reads_see_the_open_transaction,
    check_stores_are_apart_and_ordered,
    check_row_order_prefix_and_after,
    check_row_limits,
    check_rows_change_while_iterated,
    check_rows_against_a_dict,
    check_random_operations_against_a_model,
    check_blobs,
    check_records,
    check_commit_when_clean_is_free,
    check_full_storage_refuses_and_stays_readable,
)


def install(names, make, reopen, ranges=False):
    """Adds a test function for each check to `names`, a test file's globals. `ranges`: of what hosts offer, too."""
    for number, check in enumerate(CHECKS + ((check_ranges_of_witnessed_hashes,) if ranges else ())):
        names["test_%02d" % number + check.__name__[len("check") :]] = _bind(check, make, reopen)


def _bind(check, make, reopen):
    def test():
        check(make, reopen)

    return test
