"""weaver.json: scenarios.

Every step is compared with a plain model of our rules; where none of the rows "Forks", "Borrowed store_prev", "Batches"
of docs/differences.md touches the case so far, with the recorded outcome too. "Stall" shows in the cursor only.
"""

from judge.cases import expect, h, same, unknown
from judge.open_store import OpenStore, in_causal_order, intentions_of
from lattice_core.limits import DEPS, OPS_BYTES
from lattice_core.model.intention import verify

ZERO = bytes(32)


def check(section, case, context):
    if "steps" not in case:
        raise unknown(section, case)
    items = intentions_of(context.crypto, case)
    opened = OpenStore(context.crypto, case, "core:kvstore", h(case["node_seed"]))
    model = WeaverModel(context.crypto, h(case["store_id"]), items)
    for step in case["steps"]:
        gaps = check_step(opened, model, step)
        compare(opened, model)
        if not model.differs:
            compare_recorded(opened, model, step)
            same("missing", gaps, recorded_gaps(step))
    in_causal_order(opened.store)
    same("report", list(opened.weaver.verify()), [])
    check_final(opened, model, case["final"])


def check_step(opened, model, step):
    """Ingests the intentions of a step one by one; the gaps that the new ones show."""
    same("number of outcomes", len(step["in"]), len(step["status"]))
    failed = isinstance(step["result"], dict) and "error" in step["result"]
    if failed and len(step["in"]) > 1:
        model.differs = True  # row "Batches": there the whole call ends at the first bad one
    tips = dict(model.tips)
    known = model.witnessed + model.floating
    new = []
    for index in step["in"]:
        item = model.items[index]
        expected = model.ingest(index)
        stored = opened.store.has(item.hash)
        same("fate", opened.ingest(item), expected)
        if not stored and opened.store.has(item.hash):
            new.append((item.store_prev, item.author))
        if expected == "refused":
            expect(opened.weaver.refused(item.hash), "refused without a reason")
    if not model.differs:
        for index, recorded in zip(step["in"], step["status"]):
            check_status(opened, model, index, recorded, known)
    gaps = [gap for gap in opened.weaver.gaps() if (gap[0], gap[2]) in new]
    return sorted([(prev.hex(), tips.get(author, ZERO).hex(), author.hex()) for prev, _, author in gaps])


def check_status(opened, model, index, recorded, known):
    """The state of an intention after a step against the recorded one. `known`: hashes stored before."""
    item = model.items[index]
    if recorded == "duplicate":
        expect(item.hash in known, "no duplicate here")
    elif recorded == "rejected":
        # The reference looks at the signature first, so it rejects a bad copy of what it has; here it is a duplicate.
        expect(model.is_flawed(item), "rejected there, taken here")
        expect(item.hash in known or not opened.store.has(item.hash), "rejected there, stored here")
    else:
        witnessed = opened.store.witness_sequence(item.hash) > 0
        same("recorded status", recorded, "witnessed" if witnessed else "floating")


def recorded_gaps(step):
    result = step["result"]
    missing = result.get("missing", []) if isinstance(result, dict) else []
    return sorted([(gap["prev"], gap["since"], gap["author"]) for gap in missing])


def compare(opened, model):
    """The store against the model."""
    same("witnessed", sorted(opened.witnessed()), sorted(model.witnessed))
    same("floating", sorted(opened.store.floating()), sorted(model.floating))
    for author in model.tips:
        same("tip", opened.store.chain(author)[1], model.tips[author])
    marked = [author for author, _, _, _ in opened.weaver.forks()]
    same("marked as forked", sorted(marked), sorted(model.forked))
    for author, held, other, prev in opened.weaver.forks():
        expect(opened.store.witness_sequence(held), "the evidence of a fork is not what is held")
        evidence = [model.by_hash[hash] for hash in (held, other)]
        same("evidence", [(item.author, item.store_prev) for item in evidence], [(author, prev)] * 2)


def compare_recorded(opened, model, step):
    floating = [model.items[index].hash for index in step["floating"]]
    same("recorded floating", sorted(opened.store.floating()), sorted(floating))
    same("recorded head", opened.store.count, step["head"])


def check_final(opened, model, final):
    if model.differs:
        return
    store = opened.store
    witnessed = [model.items[index].hash for index in final["witnessed"]]
    same("recorded witnessed", sorted(opened.witnessed()), sorted(witnessed))
    fingerprint = 0
    for hash in opened.witnessed():
        fingerprint ^= int.from_bytes(hash, "big")
    same("fingerprint", fingerprint.to_bytes(32, "big"), h(final["fingerprint"]))
    tips = [(author.hex(), store.chain(author)[1]) for author in store.authors()]
    same("tips", sorted(tips), sorted([(author, model.items[index].hash) for author, index in final["tips"]]))
    same("stored", store.count + len(store.floating()), final["intention_count"])
    if final["stalled"]:
        expect(list(opened.weaver.skipped()), "the reference stalls and nothing is skipped here")
    else:
        same("skipped", list(opened.weaver.skipped()), [])


class WeaverModel:
    """Our rules as plain lists. `differs`: a rule of ours, not of the reference, has decided something."""

    def __init__(self, crypto, store_id, items):
        self.crypto = crypto
        self.store_id = store_id
        self.items = items
        self.by_hash = {}
        for item in items:
            if item.hash not in self.by_hash:
                self.by_hash[item.hash] = item
        self.witnessed = []
        self.floating = []
        self.tips = {}
        self.forked = []
        self.refused = []
        self.differs = False

    def ingest(self, index):
        """The fate of an intention."""
        item = self.items[index]
        if item.hash in self.witnessed or item.hash in self.floating:
            return "duplicate"
        if self.is_flawed(item):
            self.refused.append(item.hash)
            return "refused"
        if self.contradicts(item):
            self.refuse(item)
            return "refused"
        self.floating.append(item.hash)
        self.settle()
        if item.hash in self.witnessed:
            return "witnessed"
        return "floating"

    def is_flawed(self, item):
        if item.store_id != self.store_id or item.ops_size > OPS_BYTES or item.dep_count > DEPS:
            return True
        return not verify(self.crypto, item)

    def contradicts(self, item):
        """Its store_prev is witnessed, or ZERO, and not its author's tip."""
        prev = item.store_prev
        return prev != self.tips.get(item.author, ZERO) and (prev == ZERO or prev in self.witnessed)

    def refuse(self, item):
        """Rows "Forks" and "Borrowed store_prev"."""
        self.differs = True
        self.refused.append(item.hash)
        own_chain = item.store_prev == ZERO or self.by_hash[item.store_prev].author == item.author
        if own_chain and item.author not in self.forked:
            self.forked.append(item.author)

    def settle(self):
        """Witnesses what is ready and drops what contradicts, until nothing changes; the oldest first."""
        moved = True
        while moved:
            moved = False
            for hash in list(self.floating):
                item = self.by_hash[hash]
                if self.contradicts(item):
                    self.floating.remove(hash)
                    self.refuse(item)
                    moved = True
                elif item.store_prev == self.tips.get(item.author, ZERO) and self.has_deps(item):
                    self.floating.remove(hash)
                    self.witnessed.append(hash)
                    self.tips[item.author] = hash
                    moved = True

    def has_deps(self, item):
        return all(dep == ZERO or dep in self.witnessed for dep in item.deps())
