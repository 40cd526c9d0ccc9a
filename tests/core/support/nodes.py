"""Nodes in memory that exchange what they hold, for the tests of node and files."""

from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from support import crypto

NOW_MS = 1800000000000
CRYPTO = crypto()


make_storage = MemoryStorage  # a host test puts SQLite here


def make_node(number, name="", capacity=None):
    """An open node with its own storage and the identity number `number`."""
    node = Node(make_storage(capacity), CRYPTO, Identity(CRYPTO, bytes([number]) * 32), name)
    node.open(NOW_MS)
    return node


def reopened(node, name=""):
    """The node as a new process finds it after a crash."""
    again = Node(node.storage.reopened(), CRYPTO, node.identity, name)
    again.open(NOW_MS)
    return again


def carry(source, target, now_ms=NOW_MS):
    """Every intention that `source` holds, of every store that both have; the children that this declares too."""
    done = []
    while True:
        handles = [
            handle
            for handle in target.tree.replicas
            if handle.id not in done and source.tree.get(handle.id) is not None
        ]
        if not handles:
            return
        for handle in handles:
            done.append(handle.id)
            weaver = source.tree.get(handle.id).weaver
            for intention in list(weaver.held_after(dict.fromkeys(weaver.held_authors(), 0))):
                handle.weaver.ingest(intention, now_ms)
            target.journal.commit(now_ms)


def meet(first, second, now_ms=NOW_MS):
    """Both have what either had."""
    carry(first, second, now_ms)
    carry(second, first, now_ms)


def carry_blobs(source, target):
    """All content that `target` wants and `source` has. Returns how many blobs went."""
    count = 0
    for handle in target.tree.replicas:
        other = source.tree.get(handle.id)
        if other is None:
            continue
        count += fetch(handle.content.wanted(), other, handle)
    target.journal.commit(NOW_MS)
    return count


def fetch(wanted, source, target):
    """Gives one store what its plan `wanted` asks for and `source` has; the plan hears of the rest. Returns how many
    blobs went."""
    count = 0
    while True:
        digest = wanted.next()
        if digest is None:
            if not wanted.again():
                return count
            continue
        body = source.contents.get(digest)
        if body is None:
            wanted.not_held(digest)
        else:
            target.contents.put(digest, body.read(0, body.size))
            count += 1


def join(joiner, server, token, now_ms=NOW_MS):
    """A whole join: token, claim, first exchange, settling."""
    joiner.begin_join(token, server.identity.public)
    store_type = server.invites.accept(token.store_id, token.secret, joiner.identity.public, now_ms)
    server.journal.commit(now_ms)
    joiner.complete_join(token, store_type, now_ms, server.identity.public)
    meet(server, joiner, now_ms)
    joiner.after_sync(now_ms)
    meet(server, joiner, now_ms)


def share(name="laptop", store="notes"):
    """(node, root handle, data store handle) of a fresh share."""
    node = make_node(1, name)
    data = node.create_store(store, "core:kvstore", None, NOW_MS)
    return node, node.tree.root_of(data), data


def value(handle, key):
    """The value of a key as bytes, None when there is none."""
    found = handle.kv.inspect(key)
    body = None if found is None else found.value()
    return None if body is None else body.read(0, body.size)
