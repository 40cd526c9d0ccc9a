"""Projection of ops of any bytes: it never fails, and memory decides nothing."""

from lattice_core.machines import change, genesis
from lattice_core.machines.registry import TYPE_KV, TYPE_ROOT
from lattice_core.model import ops
from lattice_core.storage.contract import TABLE_DATA, TABLE_HEADS, TABLE_SYSTEM
from lattice_core.wire import root_messages
from support import Rng
from support.weaver import Author, Replica, put_ops

BATCH = [
    ops.store_name("name"),
    ops.peer_status(b"k" * 32, 2),
    ops.peer_name(b"k" * 32, "peer"),
    ops.child_add(bytes(range(16)), "child", "core:kvstore"),
    ops.child_status(bytes(range(16)), 1),
    ops.invite_claimed_by(b"i" * 32, b"c" * 32),
    {"batch": {"ops": [ops.strategy_inherited()]}},
]
MANIFEST = root_messages.BundleManifest.encode(
    {"sections": [{"name": "app", "entries": [{"key": "id", "value": "x"}]}]}
)
ROOT = root_messages.RootPayload.encode(
    {
        "ops": [
            {"register_app": {"subdomain": "notes", "app_id": "app", "store_id": bytes(16)}},
            {"upload_bundle": {"app_id": "app", "data": b"zip", "manifest": MANIFEST}},
            {"remove_app": {"subdomain": "other"}},
        ],
        "version": 1,
    }
)
SAMPLES = (
    put_ops([(b"k", b"v"), (b"l", None), (b"k", b"w")]),
    put_ops([(b"a long key " * 30, b"value")]),
    ops.system_batch(BATCH),
    ops.app(ROOT),
    ops.genesis("core:kvstore", 7),
    b"",
)


def mutated(rng, data):
    """The bytes with a few of them changed, cut out, doubled or put elsewhere."""
    data = bytearray(data)
    for _ in range(rng.below(4)):
        if not data:
            break
        at = rng.below(len(data))
        dice = rng.below(5)
        if dice == 0:
            data[at] = rng.below(256)
        elif dice == 1:
            data[at] ^= 1 << rng.below(8)
        elif dice == 2:
            data = data[:at] + data[at + 1 + rng.below(4) :]
        elif dice == 3:
            data = data[:at] + data[at : at + rng.below(8)] + data[at:]
        else:
            data = data[:at] + bytearray(rng.bytes(rng.below(3))) + data[at:]
    return bytes(data)


def test_ops_of_any_bytes_never_fail_and_memory_decides_nothing():
    limit = change.BODY_IN_MEMORY_BYTES
    for kind in (TYPE_KV, TYPE_ROOT):
        rng = Rng(40)
        held, windowed, author = Replica(1, kind=kind), Replica(1, kind=kind), Author(2)
        for _ in range(250):
            payload = mutated(rng, rng.choice(SAMPLES))
            if rng.below(4) == 0:
                payload += mutated(rng, rng.choice(SAMPLES))
            item = author.write(payload, [author.tip])
            held.weaver.projection.apply(item, [])
            try:
                change.BODY_IN_MEMORY_BYTES = -1
                windowed.weaver.projection.apply(item, [])
            finally:
                change.BODY_IN_MEMORY_BYTES = limit
            held.storage.commit()
            windowed.storage.commit()
        assert held.weaver.state_hash() == windowed.weaver.state_hash()
        skipped = [hash for hash, _, _ in held.weaver.skipped()]
        assert skipped == [hash for hash, _, _ in windowed.weaver.skipped()]
        assert 10 < len(skipped) < 240


def test_a_skipped_intention_leaves_no_trace():
    for sample in SAMPLES[:3]:
        for cut in range(1, len(sample)):
            replica, author = Replica(1), Author(2)
            replica.ingest(author.write(sample[:cut]))
            rows = [list(replica.store.rows(table)) for table in (TABLE_DATA, TABLE_SYSTEM, TABLE_HEADS)]
            if list(replica.weaver.skipped()):
                assert rows == [[], [], []]
            assert replica.store.count == 1


def test_genesis_is_remembered_for_display():
    replica, author = Replica(1), Author(2)
    assert genesis.genesis_hash(replica.store) is None
    for nonce in (1, 0):
        item = author.write(ops.genesis("core:kvstore", nonce))
        replica.ingest(item)
        assert genesis.genesis_hash(replica.store) == item.hash
    replica.ingest(author.write(ops.genesis("core:kvstore", 1) + b"\x62\x01\x08"))
    assert genesis.genesis_hash(replica.store) == item.hash
    assert len(list(replica.weaver.skipped())) == 1


def test_the_last_leg_counts_and_earlier_ones_must_decode():
    replica, author = Replica(1), Author(2)
    name, put = ops.system(ops.store_name("n")), put_ops([(b"k", b"v")])
    replica.ingest(author.write(name + put))
    assert replica.system.name() == ""
    assert replica.value(b"k") == b"v"
    replica.ingest(author.write(put + name))
    assert replica.system.name() == "n"
    replica.ingest(author.write(b"\x5a\x01\x08" + put_ops([(b"l", b"v")])))
    assert replica.value(b"l") is None
    assert len(list(replica.weaver.skipped())) == 1
    replica.ingest(author.write(b"\x78\x05" + put_ops([(b"m", b"v")]) + b"\x7a\x01x"))
    assert replica.value(b"m") == b"v"
