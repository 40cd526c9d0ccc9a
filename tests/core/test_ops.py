"""model.ops: building ops, splitting them into their leg, laying batches flat."""

from lattice_core.errors import ProtocolError
from lattice_core.limits import OPS_BYTES
from lattice_core.model import ids, ops
from lattice_core.seams import BytesBody
from lattice_core.wire import scan
from lattice_core.wire.fields import varint
from lattice_core.wire.messages import GenesisOp, KvPayload
from support import raises

h = bytes.fromhex
KEY = h("197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61")
CHILD = bytes(range(16))


def split(data):
    """(leg, bytes of its payload)"""
    body = BytesBody(data)
    leg, segments = ops.split(body)
    return leg, scan.joined(body, segments)


def operations(data):
    body = BytesBody(data)
    leg, segments = ops.split(body)
    assert leg == ops.LEG_SYSTEM
    return [ops.system_operation(body, place) for place in ops.system_operations(body, segments)]


def test_known_bytes():
    assert ops.system(ops.peer_status(KEY, 2)) == h("5a2812260a20") + KEY + h("1a020802")
    assert ops.system(ops.peer_name(KEY, "nano")) == h("5a2c122a0a20") + KEY + h("32060a046e616e6f")
    assert ops.system(ops.store_name("root")) == h("5a0a22080a060a04726f6f74")
    assert ops.system(ops.strategy_independent()) == h("5a081a060a040a020801")
    assert ops.system(ops.strategy_inherited()) == h("5a081a060a040a021001")
    assert ops.genesis("core:kvstore", 42) == h("62100a0c636f72653a6b7673746f7265102a")
    assert ops.app(b"hi") == h("52026869")
    assert ops.app(b"") == h("5200")
    added = ops.system_batch([ops.child_add(CHILD, "notes", "core:kvstore"), ops.child_status(CHILD, 1)])
    add = h("0a2b0a290a270a10") + CHILD + h("12056e6f7465731a0c636f72653a6b7673746f7265")
    active = h("0a180a161a140a10") + CHILD + h("1001")
    assert added == h("5a493247") + add + active


def test_a_single_operation_stands_bare():
    assert ops.system_batch([ops.store_name("root")]) == ops.system(ops.store_name("root"))


def test_legs():
    assert split(b"") == (ops.LEG_NONE, b"")
    assert split(h("a00601")) == (ops.LEG_NONE, b"")
    assert split(h("5200")) == (ops.LEG_APP, b"")
    assert split(h("52026869")) == (ops.LEG_APP, b"hi")
    leg, payload = split(ops.genesis("core:kvstore", 7))
    assert leg == ops.LEG_GENESIS
    assert GenesisOp.decode(payload) == {"store_type": "core:kvstore", "nonce": 7}


def test_the_last_leg_wins_and_repeated_ones_merge():
    name = ops.system(ops.store_name("x"))
    assert split(name + ops.app(b"1"))[0] == ops.LEG_APP
    assert split(ops.app(b"1") + ops.app(b"2")) == (ops.LEG_APP, b"2")
    assert split(ops.app(b"1") + ops.genesis("t", 1))[0] == ops.LEG_GENESIS
    merged = split(ops.genesis("a", 1) + ops.genesis("b", 0))[1]
    assert GenesisOp.decode(merged) == {"store_type": "b", "nonce": 1}
    batches = ops.system_batch([ops.store_name("a")] * 2) + ops.system_batch([ops.store_name("b")] * 2)
    assert [op["store"]["set_name"]["name"] for op in operations(batches)] == ["a", "a", "b", "b"]
    cut = ops.genesis("a", 1) + ops.app(b"") + ops.genesis("b", 0)
    assert GenesisOp.decode(split(cut)[1]) == {"store_type": "b", "nonce": 0}


def test_undecodable_ops():
    for data in ("ff", "52", "5205aa", "5001", "5a01ff", "6202", "62040a02fffe", "5a0208", "6203" + "0a01ff"):
        raises(ProtocolError, ops.split, BytesBody(h(data)))
    # A leg that is not the last one counts too.
    raises(ProtocolError, ops.split, BytesBody(h("62040a02fffe") + ops.app(b"")))
    # Two halves that only joined would be whole.
    raises(ProtocolError, ops.split, BytesBody(h("62020a02") + h("62026161")))


def test_batches_are_laid_flat_in_order():
    deep = {"batch": {"ops": [ops.store_name("b"), {"batch": {"ops": []}}, ops.store_name("c")]}}
    data = ops.system({"batch": {"ops": [ops.store_name("a"), deep, ops.peer_name(KEY, "d")]}})
    names = [(op.get("store") or op.get("peer"))["set_name"]["name"] for op in operations(data)]
    assert names == ["a", "b", "c", "d"]
    assert operations(ops.system({"batch": {"ops": []}})) == []
    assert operations(ops.system({})) == [{}]


def nested(depth, inner):
    """A SystemOp in `depth` batches, as bytes of ops."""
    for _ in range(depth):
        batch = b"\x0a" + varint(len(inner)) + inner
        inner = b"\x32" + varint(len(batch)) + batch
    return b"\x5a" + varint(len(inner)) + inner


def test_nesting_limit():
    inner = h("22080a060a04726f6f74")
    assert operations(nested(48, inner)) == [ops.store_name("root")]
    raises(ProtocolError, ops.split, BytesBody(nested(49, inner)))
    raises(ProtocolError, ops.split, BytesBody(nested(3000, inner)))


def test_put_sizes():
    for key, value in ((0, 0), (1, 1), (1, 0), (0, 5), (16, 200), (127, 127), (128, 128), (5, 20000)):
        payload = KvPayload.encode({"ops": [{"put": {"key": bytes(key), "value": bytes(value)}}]})
        assert ops.put_size(key, value) == len(ops.app(payload))
    assert ops.put_size(1, 1048557) == OPS_BYTES
    assert ops.put_size(1, 1048558) > OPS_BYTES


def test_ids():
    text = "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert ids.uuid_text(CHILD) == text
    assert ids.uuid_parse(text) == CHILD
    assert ids.uuid_parse(text.replace("-", "")) == CHILD
    assert ids.hex_text(b"") == ""
    assert ids.hex_text(memoryview(b"\x0a")) == "0a"
