"""wire.json: peer_messages, peer_message_decode."""

from judge.cases import expect, h, outcome, same, unknown
from lattice_core.model import intention as intentions
from lattice_core.sync.reference import framing
from lattice_core.wire.reference_messages import PeerMessage

# The files' names of the reconcile messages and ours.
_CONTENT = {
    "fingerprint": "range_fingerprint",
    "request": "range_items_request",
    "reply": "range_items_reply",
    "done": "done",
}
_VARIANTS = {
    "JoinRequest": "join_request",
    "JoinResponse": "join_response",
    "FetchIntentions": "fetch_intentions",
    "IntentionResponse": "intention_response",
    "Reconcile": "reconcile",
    "FetchChain": "fetch_chain",
    "BootstrapRequest": "bootstrap_request",
    "BootstrapResponse": "bootstrap_response",
    "SyncDone": "sync_done",
}


def check(section, case, context):
    if section == "peer_message_decode":
        check_decode(case)
        return
    message = h(case["bytes"])
    values = PeerMessage.decode(message)
    same("encode", PeerMessage.encode(values), message)
    same("framed", framing.frame(message), h(case["framed"]))
    if not message:
        same("fields", [values, case["fields"]], [{}, {}])
        return
    expect(len(values) == 1, "not one variant but %d" % len(values))
    for body in values.values():
        same_fields(section, body, case["fields"], context.crypto)


def same_fields(section, body, fields, crypto):
    for name in fields:
        given = fields[name]
        if name == "intentions":
            same("number of intentions", len(body[name]), len(given))
            for signed, entry in zip(body[name], given):
                same_intention(signed, entry, crypto)
        elif name == "records":
            same("number of records", len(body["witness_records"]), len(given))
        elif name == "messages":
            same("number of messages", len(body[name]), len(given))
            for inner, entry in zip(body[name], given):
                same_reconcile(section, inner, entry)
        else:
            same(name, plain(body[name]), given)


def same_intention(signed, entry, crypto):
    body, signature = signed["intention_borsh"], signed["signature"]
    same("borsh", body, h(entry["borsh"]))
    same("sig", signature, h(entry["sig"]))
    same("hash", intentions.parse(crypto, body, signature).hash, h(entry["hash"]))


def same_reconcile(section, inner, entry):
    same("number of contents", len(inner), len(entry))
    for name in entry:
        if name not in _CONTENT:
            raise unknown(section, entry)
        value = inner[_CONTENT[name]]
        if name == "done":
            same("done", value, entry[name])
        else:
            same(name, plain(value), entry[name])


def plain(value):
    """A decoded value as the files write it."""
    if isinstance(value, bytes):
        return value.hex() or ""  # MicroPython: b"".hex() is b""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(value[name]) for name in value}
    return value


def check_decode(case):
    values, error = outcome(PeerMessage.decode, h(case["bytes"]))
    same("ok", error is None, case["ok"])
    if error is not None:
        return
    same("re-encoding", PeerMessage.encode(values), h(case["reencode"]))
    expected = [] if case["variant"] is None else [_VARIANTS[case["variant"]]]
    same("variant", list(values), expected)
