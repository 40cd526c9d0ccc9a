"""server.json: created and log_after. The node's witness logs, and that ours writes the same by itself."""

from judge.cases import expect, h, intention, same
from lattice_core.model import witness
from lattice_core.model.identity import Identity
from lattice_core.node import stores
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_core.wire.messages import UniversalOp

NOW_MS = 1800000000000


def check(section, case, context):
    if section == "created":
        check_created(case, context)
        return
    log = context.state.setdefault("log", [])
    node = h(context.document["node_pub"])
    head = context.state.get("head", bytes(32))
    store_id = h(context.document["store_id"])
    context.state["head"] = check_entry(context.crypto, case, len(log) + 1, store_id, head, node)
    log.append(intention(context.crypto, case))


def check_entry(crypto, case, sequence, store_id, head, node):
    """One log entry; returns the head behind it."""
    same("sequence", case["seq"], sequence)
    item = intention(crypto, case)
    same("hash", item.hash, h(case["hash"]))
    expect(crypto.ed25519_verify(item.author, item.hash, item.signature), "a signature is wrong")
    same("by the node", item.author == node, case["by_node"])
    content = witness.record_verify(crypto, node, h(case["record"]))
    recorded_store, hash, _, prev = witness.content_parse(content)
    same("record", [recorded_store, hash, prev], [store_id, item.hash, head])
    return witness.head_of(crypto, content)


def check_created(case, context):
    store_id = h(case["store_id"])
    node = h(context.document["node_pub"])
    head = bytes(32)
    shapes = []
    for number, entry in enumerate(case["log"]):
        head = check_entry(context.crypto, entry, number + 1, store_id, head, node)
        shapes.append(shape(intention(context.crypto, entry), node))
    same("what ours writes", own_shapes(context.crypto, shapes), shapes)
    context.state.setdefault("created", []).append((store_id, [intention(context.crypto, row) for row in case["log"]]))


def shape(item, own):
    """The kinds of the operations of an intention, in order; "self" marks the node's own key. Names and types are the
    user's choice (the reference names its creator after the store: that is told apart from nothing here)."""
    op = UniversalOp.decode(item.ops_bytes())
    if "genesis" in op:
        return ["genesis"]
    found = []
    system = op["system"]
    for each in system["batch"]["ops"] if "batch" in system else [system]:
        for kind in each:
            for name in each[kind]:
                if name in ("pubkey", "token_hash"):
                    if each[kind][name] == own:
                        found.append("self")
                else:
                    found.append("%s %s" % (kind, name))
                    if name == "set":
                        found.append(next(iter(each[kind][name]["strategy"])))
    return sorted(found)


def own_shapes(crypto, recorded):
    """What our node writes when it makes such a store: named, a child, or with a child, as the record shows."""
    node = Node(MemoryStorage(), crypto, Identity(crypto, bytes(32)), "node")
    names = [name for entry in recorded for name in entry]
    if "inherited" in names:
        root = node.founding.root("", NOW_MS)
        made = node.founding.child(root, "name", stores.KV_TYPE, NOW_MS)
    else:
        made = node.founding.root("name" if "store set_name" in names else "", NOW_MS)
        if "hierarchy add_child" in names:
            node.founding.child(made, "name", stores.KV_TYPE, NOW_MS)
    log = [made.store.get(hash) for _, hash, _, _ in made.store.witness_log()]
    return [shape(item, node.identity.public) for item in log]
