"""The root store's tables: native and old payloads, names of any length, what is dropped and what is skipped."""

from lattice_core.machines.kvtable import value_of, winner
from lattice_core.machines.registry import TYPE_ROOT
from lattice_core.model import ops
from lattice_core.storage.contract import ROW_KEY_BYTES, ROW_VALUE_BYTES, TABLE_DATA
from lattice_core.wire import root_messages
from lattice_core.wire.protobuf import varint
from support.weaver import Author, Replica, put_ops, whole


def native(*operations, version=1):
    return ops.app(root_messages.RootPayload.encode({"ops": list(operations), "version": version}))


def register(name, app_id="app", store_id=bytes(range(16))):
    return {"register_app": {"subdomain": name, "app_id": app_id, "store_id": store_id}}


def upload(app_id, data=b"zip", entries=(("id", "x"),)):
    section = {"name": "app", "entries": [{"key": key, "value": value} for key, value in entries]}
    manifest = root_messages.BundleManifest.encode({"sections": [section]})
    return {"upload_bundle": {"app_id": app_id, "data": data, "manifest": manifest}}


def table(replica):
    """{key: value or None}"""
    found = {}
    for key, row in replica.store.rows(TABLE_DATA):
        head = winner(row)
        found[key] = None if head.deleted else whole(value_of(replica.store, head))
    return found


def test_apps_and_bundles():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    replica.ingest(author.write(native(register("notes"), upload("app", b"zip" * 200, (("id", "app"), ("v", "1"))))))
    assert table(replica) == {
        b"apps/notes/app-id": b"app",
        b"apps/notes/store-id": b"00010203-0405-0607-0809-0a0b0c0d0e0f",
        b"appbundles/app/bundle.zip": b"zip" * 200,
        b"appbundles/app/manifest/app/id": b"app",
        b"appbundles/app/manifest/app/v": b"1",
    }
    removals = native({"remove_app": {"subdomain": "notes"}}, {"remove_bundle": {"app_id": "app"}})
    replica.ingest(author.write(removals, [author.tip]))
    assert set(table(replica).values()) == {None}


def test_the_last_operation_on_a_key_counts():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    many = [register("n%d" % (n % 3), "app-%d" % n) for n in range(200)]
    replica.ingest(author.write(native(*many)))
    assert table(replica)[b"apps/n1/app-id"] == b"app-199"
    assert table(replica)[b"apps/n0/app-id"] == b"app-198"


def test_old_payloads_and_garbage():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    replica.ingest(
        author.write(put_ops([(b"apps/x/app-id", b"x"), (b"other", b"1"), (b"appbundles/x/bundle.zip", b"z")]))
    )
    replica.ingest(author.write(ops.app(b"\xff\xff\xff")))
    replica.ingest(author.write(native(register("zero"), version=0)))
    assert table(replica) == {b"apps/x/app-id": b"x", b"appbundles/x/bundle.zip": b"z"}
    assert list(replica.weaver.skipped()) == []


def test_names_and_values_of_any_length_leave_rows_small():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    long = "l" * 3000
    replica.ingest(author.write(native(register(long, long), upload(long, b"z" * 20000, ((long, long),)))))
    rows = list(replica.store.rows(TABLE_DATA))
    assert len(rows) == 4
    assert max([len(key) for key, _ in rows]) == ROW_KEY_BYTES
    assert max([len(value) for _, value in rows]) < 200 < ROW_VALUE_BYTES
    assert sorted([len(value) for value in table(replica).values()]) == [36, 3000, 3000, 20000]


def test_an_operation_in_very_many_pieces_is_skipped_whole():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    good = root_messages.RootPayload.encode({"ops": [register("good")], "version": 1})
    pieces = b"\x0a\x00" * 65
    replica.ingest(author.write(ops.app(b"\x0a" + varint(len(pieces)) + pieces + good)))
    assert table(replica) == {}
    assert len(list(replica.weaver.skipped())) == 1


def test_a_manifest_that_cannot_be_read_is_ignored():
    replica, author = Replica(1, kind=TYPE_ROOT), Author(2)
    bad = {"upload_bundle": {"app_id": "a", "data": b"z", "manifest": b"\xff"}}
    replica.ingest(author.write(native(bad)))
    assert table(replica) == {b"appbundles/a/bundle.zip": b"z"}
