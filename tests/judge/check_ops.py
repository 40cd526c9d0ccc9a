"""wire.json: genesis, ops."""

from judge.cases import h, same, unknown
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.seams import BytesBody
from lattice_core.wire import scan
from lattice_core.wire.messages import UniversalOp

_LEGS = {"app_data": ops.LEG_APP, "system": ops.LEG_SYSTEM, "genesis": ops.LEG_GENESIS}


def check(section, case, context):
    if section == "genesis":
        if "nonce" in case:
            same("ops", ops.genesis(case["store_type"], case["nonce"]), h(case["ops"]))
        elif "borsh" in case:
            check_synthetic(case, context.crypto)
        else:
            raise unknown(section, case)
    check_ops(h(case["ops"]))


def check_ops(payload):
    values = UniversalOp.decode(payload)
    same("encode", UniversalOp.encode(values), payload)
    body = BytesBody(payload)
    leg, segments = ops.split(body)
    for name in values:
        same("leg", leg, _LEGS[name])
        if name == "app_data":
            same("payload", scan.joined(body, segments), values[name])
        elif name == "system":
            same("operations", read_operations(body, segments), flat(values[name]))


def read_operations(body, segments):
    return [ops.system_operation(body, place) for place in ops.system_operations(body, segments)]


def flat(operation):
    """The single operations of a decoded SystemOp, batches laid flat (nested at most as deep as the case)."""
    if "batch" not in operation:
        return [operation]
    found = []
    for inner in operation["batch"]["ops"]:
        found += flat(inner)
    return found


def check_synthetic(case, crypto):
    """A genesis that every node can make: the seed and the nonce come from the store's id."""
    store_id = h(case["store_id"])
    seed = crypto.blake3_digest(b"lattice-synthetic-genesis" + store_id)
    if "seed" in case:
        same("seed", seed, h(case["seed"]))
    identity = Identity(crypto, seed)
    same("author", identity.public, h(case["author"]))
    payload = ops.genesis(case["store_type"], int.from_bytes(store_id[:4], "little"))
    same("ops", payload, h(case["ops"]))
    made = intentions.create(crypto, identity, 0, 0, store_id, intentions.ZERO, (), payload)
    same("borsh", made.body_bytes(), h(case["borsh"]))
    same("hash", made.hash, h(case["hash"]))
    same("sig", made.signature, h(case["sig"]))
