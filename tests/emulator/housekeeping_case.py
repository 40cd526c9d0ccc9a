"""Space comes back: many times the chip's size is written, and what is alive stays. On the stick's interpreter."""

from flash_chips import flash_ms, make, reopen
from lattice_core.errors import StorageFull
from lattice_core.model.intention import encode_body, from_body
from lattice_core.storage.contract import TABLE_DATA, ZERO
from support import Rng, raises
from support.storage_suite import STORE, author_key, chain, head

LONGEST_COMMIT_MS = 4500  # of flash work; a peer gives a link up after 15 s of silence


def _run(storage):
    """Compaction until nothing is left to do."""
    steps = 0
    while storage.idle():
        steps += 1
        assert steps < 2000
    return steps


def test_rows_overwritten_many_times_over():
    rng = Rng(1)
    storage = make()
    free = storage.room()
    model = {}
    written = 0
    while written < 3 * free:
        store = storage.store(STORE)
        for _ in range(5):
            key = b"k%02d" % rng.below(60)
            if rng.below(10):
                model[key] = rng.bytes(8) * 300
                store.put_row(TABLE_DATA, key, model[key])
                written += 2400
            else:
                store.put_row(TABLE_DATA, key, None)
                model.pop(key, None)
        storage.commit()
        dice = rng.below(40)
        if dice == 0:
            storage = reopen(storage)
        elif dice < 4:
            _run(storage)
    _check_rows(storage, model)
    _check_rows(reopen(storage), model)


def _check_rows(storage, model):
    seen = []
    for key, value in storage.store(STORE).rows(TABLE_DATA):
        assert value == model[key]
        seen.append(key)
    assert seen == sorted(model)


def test_blobs_replaced_many_times_over():
    rng = Rng(2)
    storage = make()
    free = storage.room()
    model = {}
    written = 0
    while written < 3 * free:
        store = storage.store(STORE)
        name = bytes([rng.below(40)]) + bytes(31)
        if store.has_blob(name):
            store.drop_blob(name)
            del model[name]
        else:
            size = 4096 + rng.below(40000)
            fill = rng.below(256)
            writer = storage.body_writer(size)
            for at in range(0, size, 2048):
                writer.write(bytes([fill]) * min(2048, size - at))
            store.put_blob(name, writer.body())
            model[name] = (size, fill)
            written += size
        if rng.below(3) == 0:
            storage.commit()
            if rng.below(20) == 0:
                storage = reopen(storage)
            elif rng.below(5) == 0:
                _run(storage)
    storage.commit()
    for _ in range(2):
        store = storage.store(STORE)
        assert sorted(store.blobs()) == sorted([(name, size) for name, (size, _) in model.items()])
        for name, (size, fill) in model.items():
            body = store.blob(name)
            assert body.read(size - 100, 100) == bytes([fill]) * 100
            assert body.read(0, 10) == bytes([fill]) * 10
        storage = reopen(storage)


def test_intentions_survive_compaction():
    storage = make()
    items = chain(author_key(1), 60)
    store = storage.store(STORE)
    large = bytes(9000)
    for number, item in enumerate(items):
        store.put(item)
        if number < 50:
            store.witness(item.hash, 5 + number, head(number + 1))
        for key in range(3):
            store.put_row(TABLE_DATA, b"key%d" % key, large[:3000])
        storage.commit()
    body = store.get(items[3].hash).body
    steps = _run(storage)
    assert steps > 5
    for _ in range(2):
        assert store.count == 50
        assert store.head == head(50)
        assert len(store.floating()) == 10
        assert [entry[1] for entry in store.witness_log()] == [item.hash for item in items[:50]]
        assert store.floating() == [item.hash for item in items[50:]]
        assert store.chain(author_key(1)) == (50, items[49].hash)
        assert store.chain_at(author_key(1), 7) == items[6].hash
        assert store.get(items[3].hash).body.read(0, body.size) == items[3].body.read(0, body.size)
        storage = reopen(storage)
        store = storage.store(STORE)


def test_a_body_that_is_read_stays_readable_while_it_moves():
    storage = make()
    store = storage.store(STORE)
    names = [bytes([n]) * 32 for n in range(13)]
    for n in range(13):
        store.put_blob(names[n], bytes([n]) * 10000)
    storage.commit()
    body = store.blob(names[12])
    assert body.read(0, 2) == bytes([12]) * 2
    for n in range(12):
        store.drop_blob(names[n])
    storage.commit()
    address = body.address
    storage.store(STORE).put_blob(b"x" * 32, bytes(140000))  # closes the segment to further bodies
    storage.commit()
    _run(storage)
    assert body.read(5000, 3) == bytes([12]) * 3
    assert body.address != address


def test_bodies_that_nobody_finished_give_their_room_back():
    storage = make()
    store = storage.store(STORE)
    store.put_row(TABLE_DATA, b"key", b"value")
    storage.commit()
    free = storage.room()
    for _ in range(3):
        for _ in range(6):
            storage.body_writer(50000).write(bytes(20000))  # dropped while it is written
        writer = storage.body_writer(9000)
        writer.write(bytes(9000))
        writer.body()  # dropped before it was put
        storage.abandon_bodies()
    _run(storage)
    store.put_row(TABLE_DATA, b"key", b"again")
    storage.commit()
    assert storage.room() > free - 12288


def test_a_full_chip_takes_rows_and_drops():
    storage = make()
    store = storage.store(STORE)
    count = 0
    try:
        while True:
            store.put_blob(bytes([count & 255, count >> 8]) + bytes(30), bytes(30000))
            storage.commit()
            count += 1
    except StorageFull:
        storage.rollback()
    for number in range(200):
        store.put_row(TABLE_DATA, b"row %d" % number, b"v" * 50)
        if storage.pending() > 2000:
            storage.commit()
    for number in range(count):
        store.drop_blob(bytes([number & 255, number >> 8]) + bytes(30))
    storage.commit()
    assert storage.room() > (count - 3) * 30000


def _half_dead(dropped):
    """A storage whose bulk segment is worth compacting, the names of its blobs, and how many of them are dropped."""
    storage = make()
    store = storage.store(STORE)
    names = [bytes([n + 1]) * 32 for n in range(6)]
    for n in range(6):
        store.put_blob(names[n], bytes([n]) * 20000)
    storage.commit()
    for name in names[:dropped]:
        store.drop_blob(name)
    storage.commit()
    return storage, names


def test_content_is_dropped_while_it_is_moved():
    for pause in range(1, 14):
        storage, names = _half_dead(4)
        store = storage.store(STORE)
        free = storage.room()
        for _ in range(pause):
            storage.idle()
        for name in names[4:]:
            store.drop_blob(name)
        storage.commit()
        _run(storage)
        assert not storage.extents.pins, pause
        assert storage.extents.reserved == 0, pause
        assert not list(store.blobs()), (pause, free, storage.room())
        assert storage.room() >= free - 8192, (pause, free, storage.room())
        store.put_blob(names[0], bytes(9000))
        storage.commit()
        assert reopen(storage).store(STORE).blob(names[0]).read(0, 2) == bytes(2)


def test_a_move_is_given_up_and_begun_again():
    for pause in range(1, 14, 3):
        storage, names = _half_dead(4)
        for _ in range(pause):
            storage.idle()
        storage.abandon_bodies()
        assert not storage.extents.pins, pause
        assert storage.extents.reserved == 0, pause
        _run(storage)
        storage = reopen(storage)
        assert sorted(storage.store(STORE).blobs()) == [(name, 20000) for name in names[4:]]


def test_a_transaction_is_rolled_back_while_content_is_moved():
    for pause in range(1, 14, 3):
        storage, names = _half_dead(4)
        for _ in range(pause):
            storage.idle()
        store = storage.store(STORE)
        store.drop_blob(names[5])
        store.put_row(TABLE_DATA, b"key", b"value")
        storage.rollback()
        _run(storage)
        assert not storage.extents.pins
        for _ in range(2):
            assert sorted(storage.store(STORE).blobs()) == [(name, 20000) for name in names[4:]]
            assert storage.store(STORE).blob(names[5]).read(19998, 2) == bytes([5, 5])
            storage = reopen(storage)


def test_a_complete_body_that_nobody_takes_gives_its_room_back():
    storage = make()
    store = storage.store(STORE)
    store.put_row(TABLE_DATA, b"key", b"value")
    storage.commit()
    room = storage.room()
    for number in range(40):  # 4 MB
        writer = storage.body_writer(100000)
        for _ in range(50):
            writer.write(bytes(2000))
        writer.body()
        writer.discard()
        store.put_row(TABLE_DATA, b"key", bytes([number]))
        storage.commit()
        _run(storage)
    assert not storage.extents.pins, (room, storage.room())
    assert storage.room() > room - 150000, (room, storage.room())
    writer = storage.body_writer(9000)
    writer.write(bytes(9000))
    store.put_blob(b"kept" * 8, writer.body())
    writer.discard()  # the store has it
    storage.commit()
    assert store.blob(b"kept" * 8).read(0, 3) == bytes(3)


def test_a_large_write_needs_its_room_once():
    """An intention that takes nearly all there is; one that is given up gives its room back before it is tried again,
    in the middle of a transaction too."""
    storage = make()
    store = storage.store(STORE)
    while storage.room() > 700000:
        store.put_blob(storage.room().to_bytes(32, "little"), bytes(100000))
        storage.commit()
    store.put_row(TABLE_DATA, b"key", b"not committed")
    room = storage.room()
    size = room - 8192
    head_bytes = encode_body(author_key(1), 1000, 0, STORE, ZERO, (), b"")
    head_bytes = head_bytes[:-4] + (size - len(head_bytes)).to_bytes(4, "little")
    for attempt in range(5):
        writer = storage.body_writer(size)
        writer.write(head_bytes)
        for at in range(len(head_bytes), size, 4000):
            writer.write(bytes(min(4000, size - at)))
        if attempt < 4:
            if attempt & 1:
                writer.body()
            writer.discard()
            assert storage.room() > room - 12288, (attempt, room, storage.room())
    item = from_body(writer.body(), b"h" * 32, b"s" * 64)
    assert storage.to_write(item.body) == 0
    store.put(item)
    store.witness(item.hash, 5, head(1))
    storage.commit()
    raises(StorageFull, storage.body_writer, 100000)
    assert reopen(storage).store(STORE).get(item.hash).body.size == size


def test_no_commit_keeps_the_peer_waiting():
    """Compaction inside a commit is bounded: 45 ms an erase, 0.4 ms a program; a link is given up after 15 s."""
    rng = Rng(3)
    storage = make()
    longest_ms = written = 0  # 1,060 rows of 2,000 bytes: nearly all that data may take
    while written < 6000000:
        store = storage.store(STORE)
        while storage.pending() < 16384:
            key = b"k%03d" % rng.below(1060)
            store.put_row(TABLE_DATA, key, rng.bytes(8) * 250)
            written += 2000
        before = flash_ms()
        storage.commit()
        longest_ms = max(longest_ms, flash_ms() - before)
    assert longest_ms < LONGEST_COMMIT_MS, longest_ms
