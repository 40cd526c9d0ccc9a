"""reconcile.json: store_sessions. The same between two stores with real intentions, byte for byte, both roles."""

from judge.cases import expect, h, same
from judge.conversation import Conversation
from judge.open_peer import OpenPeer
from judge.open_store import OpenStore, intentions_of
from lattice_core.storage.contract import ZERO
from lattice_core.sync.reference.replica import ReferenceReplica


def check(section, case, context):
    crypto = context.crypto
    items = intentions_of(crypto, case)
    sides = {}
    for side, seed in (("i", "initiator_seed"), ("r", "responder_seed")):
        sides[side] = open_side(crypto, case, items, side, h(case[seed]))
    talk = Conversation(
        h(case["store_id"]), *[ReferenceReplica(OpenPeer(sides[side]), sides[side]) for side in ("i", "r")]
    )
    talk.run(crypto, case["messages"])
    for side, session in (("i", talk.initiator.session), ("r", talk.responder.session)):
        refused = check_after(sides[side], items, case["after"], side)
        got = {"received": session.received + refused, "sent": session.sent}
        same("%s_result" % side, got, case["%s_result" % side])


def open_side(crypto, case, items, side, seed):
    opened = OpenStore(crypto, case, "core:kvstore", seed)
    before = case["before"]
    opened.ingest_all([items[number] for number in before[side + "_witnessed"] + before[side + "_floating"]])
    check_set(opened, items, before, side, ())
    return opened


def check_after(opened, items, after, side):
    """Row "Forks": what floats there as the other side of a fork is refused here. Returns how many those are."""
    forked = [evidence[2] for evidence in opened.weaver.forks()]
    for hash in forked:
        expect(opened.weaver.refused(hash) is not None and not opened.store.has(hash), "a fork's other side is kept")
    check_set(opened, items, after, side, forked)
    summary = opened.store.range_summary(ZERO, None)
    same("fingerprint", summary[1], h(after["fingerprint_" + side]))
    return len(forked)


def check_set(opened, items, recorded, side, refused):
    witnessed = [items[number].hash for number in recorded[side + "_witnessed"]]
    same("witnessed of %s" % side, sorted(opened.witnessed()), sorted(witnessed))
    floating = [items[number].hash for number in recorded[side + "_floating"]]
    floating = [hash for hash in floating if hash not in refused]
    same("floating of %s" % side, sorted(opened.store.floating()), sorted(floating))
