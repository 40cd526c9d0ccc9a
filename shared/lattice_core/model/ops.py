"""`ops`: what an intention does, a UniversalOp with three legs (docs/reference/01-data-model.md §4).

Own ops are built here; ops that came are split into their leg. The leg is the last one on the wire; one that occurs
several times in a row is merged, which in protobuf is the same as joining its pieces.
"""

from ..compat import const
from ..wire.messages import UniversalOp

LEG_NONE = const(0)  # nothing to apply: an acknowledgement, or fields we do not know
LEG_APP = const(10)
LEG_SYSTEM = const(11)
LEG_GENESIS = const(12)


def app(data):
    """Ops that carry a payload of the store's own machine."""
    return UniversalOp.encode({"app_data": data})


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


def invite_status(invite_id, status):
    return {"invite": {"token_hash": invite_id, "set_status": {"status": status}}}


def invite_invited_by(invite_id, key):
    return {"invite": {"token_hash": invite_id, "set_invited_by": {"inviter_pubkey": key}}}


def invite_claimed_by(invite_id, key):
    return {"invite": {"token_hash": invite_id, "set_claimed_by": {"claimer_pubkey": key}}}
