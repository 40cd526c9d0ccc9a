"""weaver.json: dag."""

from judge.cases import expect, same
from judge.open_store import OpenStore, intentions_of
from lattice_core.weaver import dag

ZERO = bytes(32)


def check(section, case, context):
    items = intentions_of(context.crypto, case)
    opened = OpenStore(context.crypto, case, "core:kvstore")
    opened.ingest_all(items)
    number = {}
    for at, item in enumerate(items):
        number[item.hash] = at
    for walk in case["walks"]:
        check_walk(opened.store, items, number, walk)
    for query in case["queries"]:
        check_query(opened.store, items, number, query)
    for length, matches in case["prefix_of_0"]:
        found = dag.by_prefix(opened.store, items[0].hash[:length])
        same("prefix", [number[hash] for hash in found], matches)


def hash_of(items, name):
    if name == "zero":
        return ZERO
    return b"\x09" * 32 if name == "unknown" else items[name].hash


def check_walk(store, items, number, walk):
    if walk["since"] is None:
        # Ours has no walk without an end: callers have refused the request before.
        same("result", walk["result"]["error"], "since-required")
        return
    target, since = hash_of(items, walk["target"]), hash_of(items, walk["since"])
    try:
        found = [number[item.hash] for item in dag.walk_back(store, target, since, walk["limit"])]
    except dag.WalkFailed as error:
        expect(isinstance(walk["result"], dict), "the walk failed: %s" % error)
        same("kind of error", error.kind, walk["result"]["error"])
        return
    same("walk", found, walk["result"])


def check_query(store, items, number, query):
    first, second = hash_of(items, query["a"]), hash_of(items, query["b"])
    same("is_ancestor", dag.is_ancestor(store, first, second), query["is_ancestor"])
    same("path", sorted([number[hash] for hash in dag.path(store, first, second)]), query["path"])
    latest = dag.common_ancestors(store, first, second)
    if query["lca"] == "none":
        same("common ancestors", latest, set())
        return
    # Row "Latest common ancestor": the reference's pick is a common ancestor, not always one of the latest.
    pick = hash_of(items, query["lca"])
    common = dag.ancestors(store, first) & dag.ancestors(store, second)
    expect(pick in common, "the recorded common ancestor is none here")
    expect(latest and latest <= common, "a latest common ancestor is none")
    for hash in latest:
        for other in latest:
            expect(
                hash == other or not dag.is_ancestor(store, hash, other), "a common ancestor is not one of the latest"
            )
