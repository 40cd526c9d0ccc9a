"""reconcile.json: sessions (byte for byte, both roles), process (single messages)."""

import gc
import sys

from judge.cases import expect, h, outcome, same, unknown
from judge.conversation import Conversation
from judge.elements import Elements, ElementSet
from lattice_core.sync.reference import reconcile
from lattice_core.wire.reference_messages import ReconcileMessage

MICROPYTHON = hasattr(sys.implementation, "_mpy")


def check(section, case, context):
    if section == "sessions":
        if MICROPYTHON:
            gc.threshold(8192)  # collected late, what is kept lies among what is not: no 10 KB are left in one piece
        check_session(case, context.crypto)
    else:
        check_process(section, case, context)


def check_session(case, crypto):
    store_id = h(case["store_id"])
    ranges = [case["initiator"], case["responder"]]
    count = max([behind for side in ranges for _, behind in side])
    elements = Elements(crypto, case["label"], store_id, count)
    sides = [ElementSet(elements, side) for side in ranges]
    for side, name in zip(sides, ("fingerprint_i", "fingerprint_r")):
        same(name, side.range_summary(reconcile.FIRST, reconcile.LAST)[1], h(case[name]))
    talk = Conversation(store_id, sides[0], sides[1])
    talk.run(crypto, case["messages"])
    for side, name in ((talk.initiator, "i_result"), (talk.responder, "r_result")):
        same(name, {"received": side.session.received, "sent": side.session.sent}, case[name])
    finals = [side.range_summary(reconcile.FIRST, reconcile.LAST) for side in sides]
    same("sets equal", finals[0] == finals[1], case["sets_equal_after"])


def check_process(section, case, context):
    if "own_elements" not in case:
        raise unknown(section, case)
    count = case["own_elements"]
    if context.state.get("count") != count:
        document = context.document
        elements = Elements(context.crypto, document["process_label"], h(document["process_store_id"]), count)
        context.state["set"] = ElementSet(elements, [[0, count]])
        context.state["count"] = count
    result, error = outcome(process, context.state["set"], h(case["message"]))
    if "error" in case:
        expect(error is not None, "accepted, the reference refuses it")
        return
    expect(error is None, "refused: %s" % error)
    replies, needed = result
    same("needed", [hash.hex() for hash in needed], case["need"])
    same("replies", len(replies), len(case["send"]))
    for reply, recorded in zip(replies, case["send"]):
        got = ReconcileMessage.encode(reply)
        if recorded.startswith("blake3:"):
            same("reply", context.crypto.blake3_digest(got), h(recorded[7:]))
        else:
            same("reply", got, h(recorded))


def process(items, message):
    return reconcile.process(items, ReconcileMessage.decode(message))
