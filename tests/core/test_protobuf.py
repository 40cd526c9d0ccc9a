"""wire.fields, wire.protobuf and wire.scan: the rules of protobuf, and three readers that agree."""

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.seams import BytesBody, SliceBody
from lattice_core.wire import scan
from lattice_core.wire.fields import body_fields, fields, put_varint, read_varint, varint, varint_size
from lattice_core.wire.messages import (
    JoinResponse,
    KvPayload,
    Operation,
    PeerOp,
    PutOp,
    SetPeerStatus,
    SystemBatch,
    SystemOp,
    UniversalOp,
)
from lattice_core.wire.protobuf import BYTES, FIXED64, INT32, OPTIONAL, REPEATED, STRING, UINT32, Message
from lattice_core.wire.reference_messages import (
    BootstrapRequest,
    BootstrapResponse,
    GetResponse,
    PeerMessage,
    TableValue,
)
from support import Rng, raises

h = bytes.fromhex
ALL_KINDS = Message("AllKinds")
ALL_KINDS.define(
    (
        (1, "count", UINT32),
        (2, "sum", FIXED64),
        (3, "level", INT32),
        (4, "text", STRING),
        (5, "data", BYTES, OPTIONAL),
        (6, "list", BYTES, REPEATED),
        (7, "inner", ALL_KINDS),
        (8, "many", ALL_KINDS, REPEATED),
        (16, "either", BYTES, "one"),
        (3000, "or_this", ALL_KINDS, "one"),
    )
)


# -- varints ------------------------------------------------------------------------------------------------------


def test_varints_are_minimal_and_read_back():
    for value in (0, 1, 127, 128, 300, 16383, 16384, 2**32 - 1, 2**32, 2**63, 2**64 - 1):
        data = varint(value)
        assert len(data) == varint_size(value)
        assert read_varint(data, 0, len(data)) == (value, len(data))
        buf = bytearray(12)
        assert put_varint(buf, 1, value) == 1 + len(data)
        assert bytes(buf[1 : 1 + len(data)]) == data


def test_long_varints():
    assert read_varint(h("80808000"), 0, 4) == (0, 4)
    assert read_varint(h("85808080808080808000"), 0, 10) == (5, 10)
    assert read_varint(h("ffffffffffffffffff01"), 0, 10) == (2**64 - 1, 10)
    raises(ProtocolError, read_varint, h("ffffffffffffffffff02"), 0, 10)
    raises(ProtocolError, read_varint, h("8080808080808080808000"), 0, 11)
    raises(ProtocolError, read_varint, h("80"), 0, 1)
    raises(ProtocolError, read_varint, b"", 0, 0)


# -- encoding -----------------------------------------------------------------------------------------------------


def test_defaults_are_not_written_and_present_ones_are():
    assert BootstrapRequest.encode({"store_id": b"", "start_seq": 0, "limit": 0}) == b""
    assert TableValue.encode({"value": b""}) == h("0a00")
    assert TableValue.encode({"tombstone": True, "heads": [b"", b"x"]}) == h("10011a001a0178")
    assert GetResponse.encode({"value": b""}) == h("0a00")
    assert GetResponse.encode({"value": None}) == b""
    assert PeerOp.encode({"pubkey": b"k", "set_status": {}}) == h("0a016b1a00")


def test_numbers():
    assert SetPeerStatus.encode({"status": -1}) == h("08ffffffffffffffffff01")
    assert SetPeerStatus.decode(h("08ffffffffffffffffff01")) == {"status": -1}
    assert SetPeerStatus.decode(h("0883808080f0ffffffff01"))["status"] == 3
    assert ALL_KINDS.encode({"sum": 1}) == h("110100000000000000")
    assert ALL_KINDS.decode(h("110100000000000080"))["sum"] == 2**63 + 1
    raises(UsageError, ALL_KINDS.encode, {"count": 2**32})
    raises(UsageError, ALL_KINDS.encode, {"count": -1})
    raises(UsageError, ALL_KINDS.encode, {"no_such_field": 1})


def test_fields_are_written_by_number():
    message = Message("M", ((4, "d", BYTES), (2, "b", BYTES, "one"), (3, "c", BYTES), (9, "i", BYTES, "one")))
    assert message.encode({"d": b"d", "c": b"c", "i": b"i"}) == h("4a01691a016322" + "0164")


# -- decoding -----------------------------------------------------------------------------------------------------


def test_last_value_and_last_member_win():
    assert BootstrapRequest.decode(h("10011002"))["start_seq"] == 2
    assert TableValue.decode(h("0a0131" + "1001"))["tombstone"] is True
    assert "value" not in TableValue.decode(h("0a0131" + "1001"))
    assert Operation.decode(h("12030a0161" + "0a030a0162")) == {"put": {"key": b"b", "value": b""}}


def test_messages_merge_unless_another_member_came_between():
    put = Operation.decode(h("0a030a0161" + "0a03120162"))
    assert put == {"put": {"key": b"a", "value": b"b"}}
    put = Operation.decode(h("0a030a0161" + "1200" + "0a03120162"))
    assert put == {"put": {"key": b"", "value": b"b"}}


def test_unknown_fields_are_skipped_and_groups_too():
    known = h("180a")
    unknown = (
        h("a00601"),
        h("a1060102030405060708"),
        h("a50601020304"),
        h("a20603010203"),
        h("a306a406"),
        h("a306a3061801a406a206020102a406"),
    )
    for data in unknown:
        values = BootstrapRequest.decode(data + known + data)
        assert values["limit"] == 10
        assert BootstrapRequest.encode(values) == known


def test_malformed_fields_are_errors():
    for data in (
        "00",  # field number 0
        "06",  # wire type 6
        "1c",  # end of a group that never began, of a known field
        "a406",  # the same, of an unknown field
        "a306",  # a group without end
        "a306ac06",  # ended by another number
        "1a0101",  # known field, other wire type
        "0801",
        "0a05aa",  # cut off
        "a50601",
        "a1060102",
        "8080808010",  # key over 32 bits
        "18",
        "0aff",
        "0affffffffffffffffff01",
    ):
        raises(ProtocolError, BootstrapRequest.decode, h(data))
        raises(ProtocolError, scan.check, BootstrapRequest, BytesBody(h(data)))


def test_texts_must_be_utf8():
    for text in ("c080", "eda080", "f4908080", "ff", "e282"):
        data = bytes([0x1A, len(text) // 2]) + h(text)
        raises(ProtocolError, JoinResponse.decode, data)
        raises(ProtocolError, scan.check, JoinResponse, BytesBody(data))


def nested(message_key, depth, inner=b""):
    for _ in range(depth):
        inner = message_key + varint(len(inner)) + inner
    return inner


def test_depth_is_limited_without_recursion():
    key = bytes([7 << 3 | 2])
    for depth, legal in ((99, True), (100, True), (101, False), (2000, False)):
        data = nested(key, depth)
        if legal:
            ALL_KINDS.decode(data)
            scan.check(ALL_KINDS, BytesBody(data))
        else:
            raises(ProtocolError, ALL_KINDS.decode, data)
            raises(ProtocolError, scan.check, ALL_KINDS, BytesBody(data))


def test_unknown_fields_and_groups_count_towards_the_depth():
    key = bytes([7 << 3 | 2])
    unknown = h("a00601")
    group = h("a306")
    group_end = h("a406")
    for inner, depth, legal in (
        (unknown, 99, True),
        (unknown, 100, False),
        (group + group_end, 99, True),
        (group + group_end, 100, False),
        (group + unknown + group_end, 98, True),
        (group + unknown + group_end, 99, False),
        (group * 100 + group_end * 100, 0, True),
        (group * 101 + group_end * 101, 0, False),
        (group * 5000, 0, False),
    ):
        data = nested(key, depth, inner)
        for read in (decodes, checks):
            if legal:
                read(data)
            else:
                raises(ProtocolError, read, data)


def test_lists_may_be_limited():
    inner = Message("Inner", ((1, "x", UINT32),))
    limited = Message("Limited", ((1, "few", BYTES, 2), (2, "some", inner, 3), (3, "any", BYTES, REPEATED)))
    data = limited.encode({"few": [b"a", b"b"], "some": [{}] * 3, "any": [b""] * 100})
    assert limited.encode(limited.decode(data)) == data
    raises(ProtocolError, limited.decode, data + h("0a00"))
    raises(ProtocolError, limited.decode, data + h("1200"))
    limited.decode(data + h("1a00"))


# -- three readers ------------------------------------------------------------------------------------------------


def random_values(rng, depth):
    values = {}
    if rng.below(2):
        values["count"] = rng.below(2**32)
    if rng.below(2):
        values["sum"] = rng.below(2**64)
    if rng.below(2):
        values["level"] = rng.below(2**32) - 2**31
    if rng.below(2):
        values["text"] = "".join([rng.choice("aZ\u00e9\u20ac") for _ in range(rng.below(20))])
    if rng.below(2):
        values["data"] = rng.bytes(rng.below(300))
    values["list"] = [rng.bytes(rng.below(4)) for _ in range(rng.below(3))]
    if depth < 4:
        if rng.below(2):
            values["inner"] = random_values(rng, depth + 1)
        values["many"] = [random_values(rng, depth + 1) for _ in range(rng.below(3))]
    if rng.below(2):
        values["either"] = rng.bytes(rng.below(3))
    return values


def test_decode_and_encode_are_inverse():
    rng = Rng(11)
    for _ in range(60):
        data = ALL_KINDS.encode(random_values(rng, 0))
        assert ALL_KINDS.encode(ALL_KINDS.decode(data)) == data
        assert ALL_KINDS.encode(ALL_KINDS.decode(memoryview(bytearray(data)))) == data


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except ProtocolError:
        return "malformed"


def decodes(data):
    ALL_KINDS.decode(data)


def checks(data):
    scan.check(ALL_KINDS, BytesBody(data))


def scanned(data):
    return list(fields(data))


def scanned_body(data):
    return list(body_fields(SliceBody(BytesBody(b"xyz" + data + b"tail"), 3, len(data))))


def test_scans_of_memory_and_of_bodies_agree():
    rng = Rng(12)
    for _ in range(120):
        data = bytearray(ALL_KINDS.encode(random_values(rng, 2)))
        for _ in range(rng.below(3)):
            if data:
                data[rng.below(len(data))] = rng.below(256)
        data = bytes(data)
        assert outcome(scanned, data) == outcome(scanned_body, data)


def test_check_agrees_with_decode():
    rng = Rng(13)
    for _ in range(200):
        data = bytearray(ALL_KINDS.encode(random_values(rng, 1)))
        for _ in range(rng.below(4)):
            if data:
                data[rng.below(len(data))] = rng.choice((rng.below(256), 0xA3, 0xA4, 0x3A, 0x42, 0x00))
        data = bytes(data)
        assert outcome(checks, data) == outcome(decodes, data)


def values_by_level(message, body, segments):
    """What `decode` gives, taken apart level by level. The tests' messages nest a few levels only."""
    out = message.blank()
    found = scan.level(message, body, segments)
    for field in message.rows:
        if field.repeated:
            for place in scan.repeated(body, segments, field.number):
                out[field.name].append(
                    values_by_level(field.message, body, [place]) if field.message else scan.joined(body, [place])
                )
        elif field.name in found:
            value = found[field.name]
            if field.message is not None:
                value = values_by_level(field.message, body, value)
            elif isinstance(value, tuple):
                value = body.read(value[0], value[1])
                if field.kind == STRING:
                    value = value.decode()
            out[field.name] = value
    return out


def test_levels_give_what_decode_gives():
    rng = Rng(14)
    for _ in range(60):
        data = ALL_KINDS.encode(random_values(rng, 1)) + ALL_KINDS.encode(random_values(rng, 2))
        assert values_by_level(ALL_KINDS, BytesBody(data), [(0, len(data))]) == ALL_KINDS.decode(data)


def test_level_follows_merging_and_oneofs():
    data = h("0a030a0161" + "1200" + "0a03120162" + "0a030a0163")
    body = BytesBody(data)
    found = scan.level(Operation, body, [(0, len(data))])
    assert list(found) == ["put"]
    assert len(found["put"]) == 2
    put = scan.level(PutOp, body, found["put"])
    assert body.read(*put["key"]) == b"c"
    assert body.read(*put["value"]) == b"b"


def test_a_batch_of_many_empty_operations_is_checked_in_little_memory():
    ops = UniversalOp.encode({"system": {"batch": {}}})
    assert ops == h("5a023200")
    inner = h("0a00") * 8000
    batch = SystemOp.by_key[50].key_bytes + varint(len(inner)) + inner
    data = h("5a") + varint(len(batch)) + batch
    scan.check(UniversalOp, BytesBody(data))
    assert sum(1 for _ in scan.repeated(BytesBody(inner), [(0, len(inner))], 1)) == 8000
    assert SystemBatch.rows[0].number == 1


# -- known bytes --------------------------------------------------------------------------------------------------


def test_known_messages():
    assert PeerMessage.decode(h("3a0218053a021007")) == {
        "bootstrap_request": {"store_id": b"", "start_seq": 7, "limit": 5}
    }
    assert KvPayload.encode({"ops": [{"put": {"key": b"a", "value": b"1"}}]}) == h("0a080a060a0161120131")
    page = BootstrapResponse.decode(h("2001"))
    assert page["done"] is True
    assert page["witness_records"] == []
    assert page["last_seq"] == 0


def test_sums_of_what_others_claim_saturate_and_other_numbers_do_not():
    table = Message("Totals", ((1, "large", "total64"), (2, "small", "total32"), (3, "own", "uint64")))
    top = {"large": 2**64 - 1, "small": 2**32 - 1, "own": 0}
    assert table.decode(table.encode({"large": 2**64, "small": 2**32})) == top
    assert table.decode(table.encode({"large": 2**200, "small": 2**200})) == top
    assert table.decode(table.encode(top)) == top
    raises(UsageError, table.encode, {"own": 2**64})
    raises(UsageError, table.encode, {"large": -1})
