"""witness.json: bootstrap. A frame of witnessed intentions given to a store."""

from judge.cases import expect, h, intention, outcome, same, unknown
from judge.open_peer import OpenPeer
from judge.open_store import OpenStore
from lattice_core.model.intention import verify
from lattice_core.storage.contract import ZERO
from lattice_core.sync.reference.bootstrap import Page
from lattice_core.sync.reference.replica import ReferenceReplica
from lattice_core.wire.messages import WitnessRecord


def check(section, case, context):
    if "records" not in case:
        raise unknown(section, case)
    crypto = context.crypto
    opened = OpenStore(crypto, case, "core:kvstore", h(case["joiner_seed"]))
    opened.ingest_all([intention(crypto, entry) for entry in case["already_stored"]])
    records = [WitnessRecord.decode(h(record)) for record in case["records"]]
    entries = [{"intention_borsh": h(entry["borsh"]), "signature": h(entry["sig"])} for entry in case["intentions"]]
    peer = OpenPeer(opened, h(case["peer"]))
    page = Page(ReferenceReplica(peer, opened), opened, peer.key, 1, 1000)
    frame = {"witness_records": records, "intentions": entries, "done": True, "last_seq": len(records)}
    stored = opened.store.count + len(opened.store.floating())
    error = outcome(page.take, frame)[1]
    flawed = [item for item in [intention(crypto, entry) for entry in case["intentions"]] if not verify(crypto, item)]
    if case["result"] != "ok" and not flawed:
        expect(error is not None, "taken, the reference refuses it")
        same("stored", opened.store.count + len(opened.store.floating()), stored)
    else:
        expect(error is None, "refused: %s" % error)
    if flawed:
        check_flawed(opened, case, flawed)
    else:
        check_recorded(opened, case)


def check_recorded(opened, case):
    store = opened.store
    same("witnessed", sorted(opened.witnessed()), sorted([h(hash) for hash in case["witnessed"]]))
    same("floating", sorted(store.floating()), sorted([h(hash) for hash in case["floating"]]))
    same("stored", store.count + len(store.floating()), case["intention_count"])
    same("fingerprint", store.range_summary(ZERO, None)[1], h(case["fingerprint"]))


def check_flawed(opened, case, flawed):
    """Row "Batches": a bad intention does not end it. All others are stored."""
    expect(case["result"] != "ok", "taken there, with a bad signature")
    bad = [item.hash for item in flawed]
    for hash in bad:
        expect(opened.weaver.refused(hash) is not None and not opened.store.has(hash), "a bad one is not refused")
    for entry in case["intentions"]:
        expect(h(entry["hash"]) in bad or opened.store.has(h(entry["hash"])), "a good one is not stored")
