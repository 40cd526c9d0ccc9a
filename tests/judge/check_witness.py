"""witness.json: chains, verify."""

from judge import differences
from judge.cases import h, outcome, same
from lattice_core.errors import ProtocolError
from lattice_core.model import witness
from lattice_core.model.identity import Identity
from lattice_core.wire.messages import WitnessRecord


def check(section, case, context):
    if section == "chains":
        check_chain(case, context.crypto)
    else:
        check_verify(case, context.crypto)


def check_chain(case, crypto):
    identity = Identity(crypto, h(case["node_seed"]))
    same("node key", identity.public, h(case["node_pub"]))
    store_id = h(case["store_id"])
    head = bytes(32)
    fingerprint = 0
    for number, row in enumerate(case["records"]):
        same("sequence", number + 1, row["seq"])
        same("prev_hash", head, h(row["prev_hash"]))
        hash = h(row["intention_hash"])
        content = witness.content_encode(store_id, hash, row["wall"], head)
        same("content", content, h(row["content"]))
        same("decoded content", witness.content_parse(content), (store_id, hash, row["wall"], head))
        head = witness.head_of(crypto, content)
        same("content hash", head, h(row["content_hash"]))
        record = witness.record_sign(identity, crypto, content)
        same("record", record, h(row["record"]))
        same("signature", witness.record_parse(record)[1], h(row["sig"]))
        same("verify", outcome(witness.record_verify, crypto, identity.public, record)[1] is None, row["verify"])
        fingerprint ^= int.from_bytes(hash, "big")
    same("fingerprint", fingerprint.to_bytes(32, "big"), h(case["fingerprint"]))
    same("head", head, h(case["head_hash"]))


def verify_and_decode(crypto, public, record):
    return witness.content_decode(witness.record_verify(crypto, public, record))


def check_verify(case, crypto):
    public, record = h(case["pub"]), h(case["record"])
    content, error = outcome(verify_and_decode, crypto, public, record)
    expected = case["ok"]
    if expected:
        expected = differences.record_verdict(True, public, signature_of(record))
    same("ok", error is None, expected)
    if error is None:
        fields = case["content"]
        expected = (h(fields["store_id"]), h(fields["intention_hash"]), fields["wall"], h(fields["prev_hash"]))
        same("content", content, expected)


def signature_of(record):
    try:
        return WitnessRecord.decode(record)["signature"]
    except ProtocolError:
        return b""
