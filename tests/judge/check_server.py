"""server.json: conversations (by meaning) and bootstrap_paging. Our dispatcher answers for the recorded log.

Between two conversations the node itself has written some entries (an invite, a revocation); the file does not say
when. So a conversation may take place before or behind those that stand next in the log.
"""

from judge import differences
from judge.cases import CaseFailed, expect, h, same
from judge.open_peer import HandConnection, HandStream, payloads
from lattice_core.model import witness
from lattice_core.model.identity import Identity
from lattice_core.node import stores
from lattice_core.node.node import Node
from lattice_core.sync.common.tasks import Task
from lattice_core.sync.reference import bootstrap, server
from lattice_core.sync.reference.messages import Messages
from lattice_core.sync.reference.peer import RefPeer
from lattice_core.testing.memory import MemoryStorage
from lattice_core.wire.messages import PEER_ACTIVE, UniversalOp
from lattice_core.wire.reference_messages import PeerMessage

NOW_MS = 1800000000000


def check(section, case, context):
    if section == "bootstrap_paging":
        check_paging(case, context)
        return
    state = context.state
    if "length" not in state:
        state["length"] = first_answer(state["log"], h(context.document["node_pub"]))
    while True:
        try:
            check_conversation(case, context, state["length"])
            break
        except CaseFailed:
            behind = own_acts(state["log"], state["length"], h(context.document["node_pub"]))
            if behind == state["length"]:
                raise
            state["length"] = behind
    state["length"] += case["new_log_entries"]


# -- the recorded log --------------------------------------------------------------------------------------------------


def answers_a_join(item, node):
    """True for what the node writes because somebody joined: a claim, or a peer other than itself made ACTIVE."""
    system = UniversalOp.decode(item.ops_bytes()).get("system", {})
    for each in system["batch"]["ops"] if "batch" in system else [system]:
        if "set_claimed_by" in each.get("invite", {}):
            return True
        peer = each.get("peer", {})
        if peer.get("set_status", {}).get("status") == PEER_ACTIVE and peer["pubkey"] != node:
            return True
    return False


def first_answer(log, node):
    """How many entries stand before the first answer to a join."""
    for at, item in enumerate(log):
        if item.author == node and answers_a_join(item, node):
            return at
    return len(log)


def own_acts(log, length, node):
    """The length behind the one entry that the node wrote by itself next."""
    if length < len(log) and log[length].author == node and not answers_a_join(log[length], node):
        return length + 1
    return length


def node_at(context, length):
    """Our node with the first `length` entries of the log in a root, and the recorded child stores."""
    crypto = context.crypto
    node = Node(MemoryStorage(), crypto, Identity(crypto, bytes(32)), "node")
    node.open(NOW_MS)
    store_id = h(context.document["store_id"])
    root = node.tree.add(store_id, stores.KV_TYPE, None, NOW_MS)
    fill(root, context.state["log"][:length])
    node.journal.commit(NOW_MS)
    for child_id, items in context.state["created"]:
        if node.tree.get(child_id) is not None and child_id != store_id:
            fill(node.tree.get(child_id), items)
    node.journal.commit(NOW_MS)
    return node


def fill(handle, items):
    for item in items:
        handle.weaver.ingest(item, NOW_MS, True)


# -- conversations -----------------------------------------------------------------------------------------------------


def check_conversation(case, context, length):
    node = node_at(context, length)
    root = node.tree.get(h(context.document["store_id"]))
    peer = RefPeer(node, HandConnection(h(case["peer"])))
    status = root.system.peer(peer.key)
    before = root.store.count
    stream = HandStream(True)
    requests = [h(request) for request in case["requests"]]
    for request in requests:
        stream.arrive(request)
    run(Task(server.serve(peer, Messages(stream))), peer)
    expect(stream.done, "the stream is not ended")
    got = [PeerMessage.decode(payload) for payload in payloads(stream.written)]
    recorded = [PeerMessage.decode(h(payload)) for payload in case["responses"]]
    recorded = differences.bootstrap_answers(requests, recorded)
    same("answers", len(got), len(recorded))
    for answer, expected in zip(got, recorded):
        check_answer(context.crypto, answer, expected, node)
    active = status is not None and status.status == PEER_ACTIVE
    written = root.store.count - before
    expect(differences.join_entries(written, case["new_log_entries"], active), "%d new log entries" % written)


def run(task, peer):
    for _ in range(1000):
        if task.step(NOW_MS):
            break
    else:
        raise CaseFailed("the stream is not over after 1000 steps")
    expect(task.error is None, "the stream failed: %s" % task.error)


def check_answer(crypto, got, expected, node):
    same("kind", list(got), list(expected))
    for kind in expected:
        answer, recorded = got[kind], expected[kind]
        if kind == "join_response":
            recorded["inviter_pubkey"] = node.identity.public
        elif kind == "bootstrap_response":
            records = answer.pop("witness_records")
            others = recorded.pop("witness_records")
            key = node.identity.public
            same("records", [named(crypto, key, record) for record in records], [hash_of(other) for other in others])
        same(kind, answer, recorded)


def named(crypto, key, record):
    """The hash in one of our records, which we have signed."""
    digest = crypto.blake3_digest(record["content"])
    expect(crypto.ed25519_verify(key, digest, record["signature"]), "a record is not signed")
    return hash_of(record)


def hash_of(record):
    return witness.content_parse(record["content"])[1]


# -- paging ------------------------------------------------------------------------------------------------------------


def check_paging(case, context):
    handle = context.state.get("filled")
    if handle is None or handle.store.count != case["log_len"]:
        context.state.clear()
        handle = context.state["filled"] = filled(context.crypto, case["log_len"])
    request = {"start_seq": case["start_seq"], "limit": case["limit"]}
    recorded = [[row[name] for name in ("records", "intentions", "done", "last_seq")] for row in case["frames"]]
    got = []
    for message in bootstrap.pages(handle, request):
        frame = message["bootstrap_response"]
        got.append([len(frame["witness_records"]), len(frame["intentions"]), frame["done"], frame["last_seq"]])
    same("frames", got, recorded)
    same("the stream ends behind them", bootstrap.is_full(handle, request), not recorded[-1][2])


def filled(crypto, count):
    """A store with so many intentions."""
    node = Node(MemoryStorage(), crypto, Identity(crypto, bytes(32)))
    root = node.founding.root("", NOW_MS)
    while root.store.count < count:
        root.weaver.submit(b"", [], NOW_MS)
        node.storage.commit()
    return root
