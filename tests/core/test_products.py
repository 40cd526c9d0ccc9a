"""Work that grows with the product of two numbers of a peer's: counted in calls of the storage, never in time."""

from lattice_core.machines import kvtable, root_apply
from lattice_core.machines.registry import TYPE_ROOT
from lattice_core.model import ops
from lattice_core.storage.contract import TABLE_DATA, TABLE_HEADS, ZERO
from lattice_core.weaver import dag
from lattice_core.weaver.weaver import WITNESSED
from lattice_core.wire import root_messages
from support import Rng
from support.weaver import Author, Replica, put_ops


class CountedStore:
    """A store whose calls, and the rows that it gives, are counted."""

    def __init__(self, store):
        self._store = store
        self.calls = 0

    def __getattr__(self, name):
        value = getattr(self._store, name)
        if not callable(value):
            return value

        def call(*arguments):
            self.calls += 1
            return value(*arguments)

        return call

    def rows(self, *arguments):
        for found in self._store.rows(*arguments):
            self.calls += 1
            yield found


def counted(replica):
    store = CountedStore(replica.store)
    replica.weaver.projection.store = store
    return store


def native(operations):
    return ops.app(root_messages.RootPayload.encode({"ops": operations, "version": 1}))


def upload(app_id, keys):
    section = {"name": "s", "entries": [{"key": "k%d" % key, "value": "v"} for key in keys]}
    manifest = root_messages.BundleManifest.encode({"sections": [section]})
    return {"upload_bundle": {"app_id": app_id, "data": b"zip", "manifest": manifest}}


def remove(app_id):
    return {"remove_bundle": {"app_id": app_id}}


def test_removing_a_bundle_again_and_again_looks_through_it_once():
    for behind in ([], [upload("x", [9999])]):
        replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
        replica.ingest(author.write(native([upload("x", range(60))])))
        store = counted(replica)
        assert replica.ingest(author.write(native([remove("x")] * 200 + behind))) == WITNESSED
        assert store.calls < 200 * 4 + 61 * 4, store.calls
        rows = list(replica.store.rows(TABLE_DATA, b"appbundles/x/manifest/s/k1"))
        assert rows
        assert all(kvtable.winner(row).deleted for _, row in rows)


def test_a_bundle_removed_again_and_again_is_looked_through_once_however_many_others_are_removed():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    replica.ingest(author.write(native([upload("x", range(60))])))
    others = []
    for number in range(root_apply.REMOVED_KEPT + 1):
        others += [remove("o%d" % number), upload("o%d" % number, [])]
    store = counted(replica)
    payload = native([remove("x")] * 200 + [upload("x", [9999])] + others)
    assert replica.ingest(author.write(payload)) == WITNESSED
    assert store.calls < 200 * 4 + 61 * 4 + len(others) * 8, store.calls


def _naive_remove(change, op):
    app_id = op.get("app_id", (0, 0))
    for key, _ in change.store.rows(TABLE_DATA, root_apply._key(change, b"appbundles/", app_id, b"/manifest/")):
        root_apply._put(change, key, kvtable.deleted())
    root_apply._put(change, root_apply._key(change, b"appbundles/", app_id, b"/bundle.zip"), kvtable.deleted())


def test_a_bundle_that_is_removed_and_uploaded_in_one_payload_ends_as_if_each_removal_had_looked():
    rng = Rng(4)
    apps = ("x", "y", "x/manifest/s", "long" * 70)
    payloads = []
    for _ in range(25):
        operations = []
        for _ in range(1 + rng.below(12)):
            app = rng.choice(apps)
            operations.append(remove(app) if rng.below(2) else upload(app, [rng.below(6) for _ in range(3)]))
        payloads.append(native(operations))
    ends = []
    for quick, kept in ((True, 512), (True, 0), (False, 0)):
        replica, writers = Replica(1, kind=TYPE_ROOT), (Author(2), Author(3))
        before = root_apply._APPLY["remove_bundle"], root_apply.REMOVED_KEPT
        root_apply.REMOVED_KEPT = kept
        if not quick:
            root_apply._APPLY["remove_bundle"] = (before[0][0], _naive_remove)
        try:
            for number, payload in enumerate(payloads):
                writer = writers[number % 3 == 0]
                replica.ingest(writer.write(payload, [writer.tip] if writer.tip != ZERO else []))
        finally:
            root_apply._APPLY["remove_bundle"], root_apply.REMOVED_KEPT = before
        ends.append(replica.weaver.state_hash())
    assert ends[0] == ends[1] == ends[2]


def test_deps_times_keys_is_no_work_where_few_heads_stand():
    """A write may name 1,024 deps and thousands of keys, each of which has a few heads more than fit into its row."""
    replica = Replica(1)
    keys = [b"k%d" % number for number in range(6)]
    for number in range(18):
        replica.ingest(Author(10 + number).write(put_ops([(key, b"v") for key in keys])))
    writer = Author(2)
    deps = []
    for number in range(50):
        replica.ingest(writer.put(b"other", b"%d" % number))
        deps.append(writer.tip)
    store = counted(replica)
    assert replica.ingest(writer.write(put_ops([(key, b"w") for key in keys]), deps)) == WITNESSED
    assert store.calls < len(keys) * 25, store.calls  # 300 dep and key pairs


def test_heads_are_superseded_alike_whichever_of_both_is_fewer():
    ends = []
    for filling in (0, 20):  # more deps than heads in TABLE_HEADS, and fewer
        replica = Replica(1)
        writers = [Author(10 + number) for number in range(24)]
        for number, writer in enumerate(writers):
            replica.ingest(writer.put(b"k", b"%d" % number))
        deps = [writer.tip for writer in writers[3:21:2]]
        other = Author(99)
        for number in range(filling):
            replica.ingest(other.put(b"other", b"%d" % number, [other.tip] if number else []))
            deps.append(other.tip)
        replica.ingest(Author(2).put(b"k", b"after", deps))
        heads = kvtable.heads(replica.store, replica.weaver.crypto, TABLE_DATA, b"k")
        after = Author(2).key
        ends.append(sorted([head.hash for head in heads if head.author != after]))
        assert len(ends[-1]) == 15
        assert not set(deps) & set(ends[-1])
        assert len(list(replica.store.rows(TABLE_HEADS))) == 0
    assert ends[0] == ends[1]


def test_questions_about_the_graph_look_at_each_intention_a_few_times():
    replica = Replica(1)
    rng, authors, made = Rng(3), [Author(2), Author(3), Author(4)], []
    for number in range(40):
        writer = authors[number % 3]
        deps = [made[-1 - rng.below(min(len(made), 6))].hash for _ in range(2)] if made else []
        made.append(writer.put(b"k%d" % number, b"v", deps))
        replica.ingest(made[-1])
    first, last, other = made[1].hash, made[-1].hash, made[-2].hash
    store = CountedStore(replica.store)
    ways = dag.path(store, first, last)
    assert store.calls < 4 * len(made), store.calls
    above = [hash for hash in dag.ancestors(store, last) if dag.is_ancestor(store, first, hash)]
    assert ways == set(above) - {first}
    store.calls = 0
    common = dag.common_ancestors(store, last, other)
    assert store.calls < 6 * len(made), store.calls
    both = dag.ancestors(store, last) & dag.ancestors(store, other)
    assert common == {
        hash for hash in both if not any(one != hash and dag.is_ancestor(store, hash, one) for one in both)
    }
