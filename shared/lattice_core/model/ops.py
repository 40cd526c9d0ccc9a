"""`ops`: what an intention does, a UniversalOp with three legs (docs/reference/01-data-model.md §4).

Own ops are built here; ops that came are split into their leg. The leg is the last one on the wire; one that occurs
several times in a row is merged, which in protobuf is the same as joining its pieces.
"""

from ..compat import const
from ..wire import scan
from ..wire.fields import read_varint, varint_size
from ..wire.messages import SystemOp, UniversalOp

LEG_NONE = const(0)  # nothing to apply: an acknowledgement, or fields we do not know
LEG_APP = const(10)
LEG_SYSTEM = const(11)
LEG_GENESIS = const(12)

_LEGS = (("app_data", LEG_APP), ("system", LEG_SYSTEM), ("genesis", LEG_GENESIS))
_APP_KEY = const(0x52)
_BATCH_OPS = const(1)  # number of SystemBatch.ops


# -- ops that came -----------------------------------------------------------------------------------------------


def split(body):
    """(leg, segments) of ops that lie in `body` (a `seams.Body`). ProtocolError when they are undecodable.

    The segments say where the leg's payload lies (`wire.scan`): one for app data, any number for the others. System
    and genesis are checked to their last field; app data is its machine's to check.
    """
    if body.size == 0:
        return LEG_NONE, []
    # Nearly all ops are one piece of app data and nothing else.
    head = body.read(0, min(11, body.size))
    if head[0] == _APP_KEY:
        count, start = read_varint(head, 1, len(head))
        if start + count == body.size:
            return LEG_APP, [(start, body.size)]
    scan.check(UniversalOp, body)
    found = scan.level(UniversalOp, body, [(0, body.size)])
    for name, leg in _LEGS:
        if name in found:
            place = found[name]
            return leg, [(place[0], place[0] + place[1])] if leg == LEG_APP else place
    return LEG_NONE, []


def system_operations(body, segments):
    """Iterates over the single operations of a system leg, batches laid flat, first to last: their segments.

    `segments` come from `split`. Nothing is held but one position per level of nesting.
    """
    open_batches = []
    operation = segments
    while True:
        batch = scan.level(SystemOp, body, operation).get("batch")
        if batch is None:
            yield operation
        else:
            open_batches.append(scan.repeated(body, batch, _BATCH_OPS))
        operation = None
        while open_batches and operation is None:
            place = next(open_batches[-1], None)
            if place is None:
                open_batches.pop()
            else:
                operation = [place]
        if operation is None:
            return


def system_operation(body, segments):
    """One operation as a dict (a SystemOp): only for those known to be small (`scan.size_of`)."""
    return SystemOp.decode(scan.joined(body, segments))


# -- own ops --------------------------------------------------------------------------------------------------------


def app(data):
    """Ops that carry a payload of the store's own machine."""
    return UniversalOp.encode({"app_data": data})


def put_size(key_bytes, value_bytes):
    """How many bytes the ops of a single put take, without building them (limit: limits.OPS_BYTES)."""
    inner = 0
    for count in (key_bytes, value_bytes):
        if count:
            inner += 1 + varint_size(count) + count
    # PutOp in Operation, that in KvPayload, that in UniversalOp: each adds a one-byte key and a length.
    for _ in range(3):
        inner += 1 + varint_size(inner)
    return inner


def system(operation):
    """Ops of one system operation, a SystemOp as a dict."""
    return UniversalOp.encode({"system": operation})


def system_batch(operations):
    """Ops of several system operations; a single one stands bare, as the reference writes it."""
    if len(operations) == 1:
        return system(operations[0])
    return system({"batch": {"ops": operations}})


def genesis(store_type, nonce):
    """Ops of a store's first intention. `nonce`: random u32."""
    return UniversalOp.encode({"genesis": {"store_type": store_type, "nonce": nonce}})


# -- system operations -----------------------------------------------------------------------------------------------


def peer_status(key, status):
    return {"peer": {"pubkey": key, "set_status": {"status": status}}}


def peer_name(key, name):
    return {"peer": {"pubkey": key, "set_name": {"name": name}}}


def child_add(store_id, alias, store_type):
    return {"hierarchy": {"add_child": {"target_id": store_id, "alias": alias, "store_type": store_type}}}


def child_remove(store_id):
    return {"hierarchy": {"remove_child": {"target_id": store_id}}}


def child_status(store_id, status):
    return {"hierarchy": {"set_status": {"target_id": store_id, "status": status}}}


def store_name(name):
    return {"store": {"set_name": {"name": name}}}


def strategy_independent():
    return {"strategy": {"set": {"strategy": {"independent": True}}}}


def strategy_inherited():
    return {"strategy": {"set": {"strategy": {"inherited": True}}}}


def strategy_snapshot(parent_id):
    return {"strategy": {"set": {"strategy": {"snapshot": parent_id}}}}


def invite_status(invite_id, status):
    return {"invite": {"token_hash": invite_id, "set_status": {"status": status}}}


def invite_invited_by(invite_id, key):
    return {"invite": {"token_hash": invite_id, "set_invited_by": {"inviter_pubkey": key}}}


def invite_claimed_by(invite_id, key):
    return {"invite": {"token_hash": invite_id, "set_claimed_by": {"claimer_pubkey": key}}}
