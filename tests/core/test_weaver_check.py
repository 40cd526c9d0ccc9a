"""The witness log: records, checkpoints, the check at start-up, the whole check, tables made anew."""

from lattice_core.errors import StorageError
from lattice_core.machines.registry import TYPE_KV, TYPE_ROOT
from lattice_core.model import witness
from lattice_core.storage.contract import TABLE_DATA, TABLE_META, ZERO
from lattice_core.weaver.weaver import WITNESSED
from support import Rng, raises
from support.weaver import CRYPTO, NOW_MS, Author, Replica, history


def filled(count=30, seed=1):
    replica = Replica(1)
    for item in history(Rng(seed), count):
        assert replica.take(item) == WITNESSED
    replica.storage.commit()
    return replica


def test_records_form_the_chain_and_are_the_same_each_time():
    replica = filled()
    head = ZERO
    for sequence in range(1, replica.store.count + 1):
        record = replica.weaver.witness_record(sequence)
        content = witness.record_verify(CRYPTO, replica.identity.public, record)
        store_id, hash, wall_ms, prev = witness.content_parse(content)
        assert (store_id, hash, prev) == (replica.store.id, replica.witnessed()[sequence - 1], head)
        assert wall_ms == NOW_MS
        head = witness.head_of(CRYPTO, content)
        assert replica.weaver.witness_record(sequence) == record
    assert head == replica.store.head
    raises(ValueError, replica.weaver.witness_record, 0)
    raises(ValueError, replica.weaver.witness_record, replica.store.count + 1)


def test_records_are_the_same_where_storage_keeps_no_heads():
    replica = filled()
    records = [replica.weaver.witness_record(n + 1) for n in range(replica.store.count)]
    replica.store.head_at = lambda sequence: None
    replica.weaver.reload()
    for sequence in (7, 8, 9, 3, 30, 1, 2, 29):
        assert replica.weaver.witness_record(sequence) == records[sequence - 1]


def test_a_damaged_log_does_not_start():
    for damage in (_swap_entries, _change_wall, _lose_last, _lose_intention, _wrong_head):
        replica = filled()
        damage(replica.store)
        raises(StorageError, replica.weaver.start, NOW_MS)
        report = replica.weaver.verify()
        assert not report.ok(), damage
        assert list(report), damage
        # Also where storage keeps no heads.
        replica.store.head_at = lambda sequence: None
        raises(StorageError, replica.weaver.start, NOW_MS)


def _swap_entries(store):
    store._log[3], store._log[4] = store._log[4], store._log[3]


def _change_wall(store):
    hash, author, wall_ms, head = store._log[10]
    store._log[10] = (hash, author, wall_ms + 1, head)


def _lose_last(store):
    store._log.pop()
    store.count -= 1


def _lose_intention(store):
    del store._intentions[store._log[5][0]]


def _wrong_head(store):
    store.head = b"h" * 32


def test_only_what_lies_behind_the_last_checkpoint_is_checked_at_start():
    replica, author, every = Replica(1), Author(2), 32
    log = replica.weaver.log
    assert log.checkpoint_every == 128
    log.checkpoint_every = every
    for _ in range(every + 6):
        replica.weaver.ingest(author.write(b""), NOW_MS, True)
    replica.storage.commit()
    assert log.checkpoint()[0] == every
    assert log.checkpoint()[1] == replica.store.head_at(every)
    _swap_entries(replica.store)
    replica.weaver.start(NOW_MS)
    raises(StorageError, log.check, True)
    _swap_entries(replica.store)
    log.check(True)
    entries = replica.store._log
    entries[every + 2], entries[every + 3] = entries[every + 3], entries[every + 2]
    raises(StorageError, replica.weaver.start, NOW_MS)


def test_verify_finds_damage_in_intentions_and_content():
    replica = filled()
    store = replica.store
    store.put_blob(CRYPTO.blake3_digest(b"content"), b"content")
    report = replica.weaver.verify()
    assert list(report) == []
    assert report.intentions == 30
    assert report.blobs == 1
    store.put_blob(b"x" * 32, b"not what it says")
    victim = store.get(replica.witnessed()[4])
    victim.body.data = bytes(victim.body.data[:-1]) + bytes((victim.body.data[-1] ^ 1,))
    signature = store.get(replica.witnessed()[9])
    signature.signature = signature.signature[:63] + bytes((signature.signature[63] ^ 1,))
    problems = list(replica.weaver.verify())
    assert len(problems) == 3
    assert victim.hash.hex() in problems[0]
    assert "signature" in problems[1]
    assert "content" in problems[2]


def test_verify_reports_its_progress():
    replica = Replica(1)
    author = Author(2)
    for _ in range(130):
        replica.weaver.ingest(author.write(b""), NOW_MS, True)
    seen = []
    replica.weaver.verify(lambda done, total: seen.append((done, total)))
    assert seen == [(64, 130), (128, 130)]


def test_tables_are_made_anew_when_another_projection_has_made_them():
    replica = filled(60)
    state, rows = replica.weaver.state_hash(), list(replica.store.rows(TABLE_DATA))
    skipped = list(replica.weaver.skipped())
    replica.store.put_row(TABLE_DATA, b"stray", b"\x00")
    replica.store.put_row(TABLE_META, b"state", b"older")
    replica.weaver.events = []
    replica.weaver.start(NOW_MS)
    assert replica.weaver.state_hash() == state
    assert list(replica.store.rows(TABLE_DATA)) == rows
    assert list(replica.weaver.skipped()) == skipped
    assert replica.weaver.events == []
    assert list(replica.weaver.project_again()) == []
    assert list(replica.weaver.project_again(True)) == []
    assert replica.weaver.state_hash() == state


def test_a_projection_that_was_interrupted_begins_again():
    replica = filled(70)
    state = replica.weaver.state_hash()
    work = replica.weaver.project_again(True)
    assert next(work) == 64
    replica.storage.commit()
    replica.open(replica.storage.reopened())
    assert replica.weaver.state_hash() == state


def test_a_store_type_without_a_machine_is_carried_and_projected_later():
    log, author = Replica(1, kind="core:unknown"), Author(2)
    log.ingest(author.put(b"k", b"v"))
    assert list(log.store.rows(TABLE_DATA)) == []
    assert list(log.weaver.skipped()) == []
    log.storage.commit()
    log.kind = TYPE_KV
    log.open(log.storage.reopened())
    assert log.value(b"k") == b"v"
    log.storage.commit()
    log.kind = TYPE_ROOT
    log.open(log.storage.reopened())
    assert list(log.store.rows(TABLE_DATA)) == []
