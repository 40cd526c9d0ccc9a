"""wire.json: stored (single messages, and the limits)."""

from judge.cases import h, intention, same, unknown
from lattice_core import limits
from lattice_core.model import intention as intentions
from lattice_core.model import ops, witness
from lattice_core.wire.messages import WitnessContent
from lattice_core.wire.reference_messages import FloatingMeta, Frontier


def check(section, case, context):
    if "signed" in case:
        check_signed(case, context.crypto)
    elif "value_len" in case:
        same("ops of the largest put", ops.put_size(case["key_len"], case["value_len"]), limits.OPS_BYTES)
    elif "max_payload" in case:
        limit = [limits.OPS_BYTES, limits.DEPS]
        same("limits", limit, [case["max_payload"], case["max_causal_deps"]])
    elif "received_at" in case:
        same("FloatingMeta", FloatingMeta.encode({"received_at": case["received_at"]}), h(case["bytes"]))
    elif "bytes" in case:
        check_bytes(section, case)
    else:
        raise unknown(section, case)


def check_signed(case, crypto):
    made = intention(crypto, case["signed"])
    same("hash", made.hash, h(case["signed"]["hash"]))
    same("verify", intentions.verify(crypto, made), True)
    if made.ops_size == 0:
        same("leg", ops.split(made.ops())[0], ops.LEG_NONE)


def check_bytes(section, case):
    """A message of its own; which one, its first bytes tell."""
    data = h(case["bytes"])
    if data[:2] == b"\x0a\x10":
        store_id, hash, wall_ms, prev = witness.content_parse(data)
        same("WitnessContent", witness.content_encode(store_id, hash, wall_ms, prev), data)
        same("by the table", WitnessContent.encode(WitnessContent.decode(data)), data)
    elif data[:1] == b"\x0a":
        same("Frontier", Frontier.encode(Frontier.decode(data)), data)
    else:
        raise unknown(section, case)
