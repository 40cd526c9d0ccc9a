"""wire.json: gossip (message, topics)."""

from judge.cases import h, same, unknown
from lattice_core.model import ids
from lattice_core.model import intention as intentions
from lattice_core.wire.reference_messages import GossipMessage


def check(section, case, context):
    store_id = h(case["store_id"])
    if "topic" in case:
        same("uuid_text", ids.uuid_text(store_id), case["uuid_text"])
        same("id of the text", ids.uuid_parse(case["uuid_text"]), store_id)
        same("topic", ids.gossip_topic(context.crypto, store_id), h(case["topic"]))
    elif "intention" in case:
        message = h(case["bytes"])
        values = GossipMessage.decode(message)
        same("store_id", values["store_id"], store_id)
        signed = values["intention"]
        intention = intentions.parse(context.crypto, signed["intention_borsh"], signed["signature"])
        same("hash", intention.hash, h(case["intention"]["hash"]))
        same("borsh", intention.body_bytes(), h(case["intention"]["borsh"]))
        same("sig", intention.signature, h(case["intention"]["sig"]))
        same("encode", GossipMessage.encode(values), message)
    else:
        raise unknown(section, case)
