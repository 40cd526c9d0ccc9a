"""weaver.json: acks. The recording node's own writes are replayed as they came out; its acks are computed."""

from judge.cases import expect, h, same
from judge.open_store import OpenStore, intentions_of
from lattice_core.model import intention as intentions
from lattice_core.model.identity import Identity
from lattice_core.weaver import acks


def check(section, case, context):
    crypto = context.crypto
    items = intentions_of(crypto, case)
    identity = Identity(crypto, h(case["node_seed"]))
    opened = OpenStore(crypto, case, "core:kvstore", h(case["node_seed"]))
    for event in case["events"]:
        if "emit_ack" in event:
            check_ack(opened, items, identity, event)
            number = event["emit_ack"]
        else:
            number = event["ingest"] if "ingest" in event else event["submit"]
        if number is not None:
            same("fate", opened.ingest(items[number]), "witnessed")


def check_ack(opened, items, identity, event):
    found = acks.outstanding(opened.store, identity.public)
    number = {}
    for at, item in enumerate(items):
        number[item.hash] = at
    got = []
    for item in found:
        got.append((item.author.hex(), number[item.tip], item.tip_count, item.acknowledged))
    recorded = []
    for row in event["delta"]:
        recorded.append((row["author"], row["tip"], row["tip_count"], row["acknowledged"]))
    same("outstanding", got, sorted(recorded))
    if event["emit_ack"] is None:
        expect(not found, "something is outstanding, the reference acknowledges nothing")
        return
    ack = items[event["emit_ack"]]
    prev = opened.store.chain(identity.public)[1]
    deps = [item.tip for item in found]
    made = intentions.create(opened.crypto, identity, ack.wall_ms, ack.counter, opened.store.id, prev, deps, b"")
    same("deps", [number[dep] for dep in made.deps()], event["deps"])
    same("ack", made.hash, ack.hash)
