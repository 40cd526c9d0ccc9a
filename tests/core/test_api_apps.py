"""app.* and bundle.*: plain values in and out, the share of a store, what is not there."""

from lattice_core.api.apps import AppService, BundleService
from lattice_core.errors import UsageError
from support import case, raises
from support.nodes import NOW_MS, join, make_node, meet, share

MANIFEST = [("app", "id", "notes-app"), ("app", "name", "Notes"), ("permissions", "read", "true")]


def clock():
    return NOW_MS


def read(data, app_id):
    """In the place of the reader of zip files."""
    return app_id or "notes-app", MANIFEST


def test_an_app_is_registered_listed_and_removed():
    node, _, _ = share()
    apps = AppService(node, clock)
    made = apps.register("notes", "notes-app", "notes")
    assert (made["subdomain"], made["app_id"], len(made["hash"])) == ("notes", "notes-app", 64)
    (row,) = apps.list()["apps"]
    assert row == {
        "subdomain": "notes",
        "app_id": "notes-app",
        "store": made["store"],
        "store_name": "notes",
        "share": made["share"],
        "bundle": False,
    }
    apps.register("notes", "other-app", "notes")
    assert [row["app_id"] for row in apps.list("notes")["apps"]] == ["other-app"]
    assert apps.remove("notes")["app_id"] == "other-app"
    assert apps.list()["apps"] == []
    assert raises(UsageError, apps.remove, "notes").code == "unknown_app"


def test_a_bundle_is_uploaded_listed_and_removed():
    node, _, _ = share()
    bundles = BundleService(node, clock, read)
    made = bundles.upload(b"zip".hex())
    assert made["manifest"] == {"app": {"id": "notes-app", "name": "Notes"}, "permissions": {"read": "true"}}
    AppService(node, clock).register("notes", "notes-app", "notes")
    assert [row["bundle"] for row in AppService(node, clock).list()["apps"]] == [True]
    (row,) = bundles.list()["bundles"]
    assert (row["app_id"], row["size"], row["manifest"]) == ("notes-app", 3, made["manifest"])
    assert bundles.remove("notes-app")["app_id"] == "notes-app"
    assert bundles.list()["bundles"] == []
    assert raises(UsageError, bundles.remove, "notes-app").code == "unknown_app"
    assert raises(UsageError, bundles.upload, "xyz").code == "bad_value"


def test_both_reach_every_member():
    node, root, _ = share()
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(root, NOW_MS))
    AppService(node, clock).register("notes", "notes-app", "notes")
    BundleService(node, clock, read).upload((bytes(range(256)) * 40).hex(), "notes-app")
    meet(node, other)
    for group in (AppService(node, clock), BundleService(node, clock, read)):
        here = group.list()
        group.node = other
        assert group.list() == here
    body = other.tree.roots()[0].view.bundle("notes-app")
    assert body.read(0, body.size) == bytes(range(256)) * 40


def test_names_that_cannot_be():
    node, root, _ = share()
    apps = AppService(node, clock)
    for name in ("", "-a", "a-", "A", "a.b", "a/b", "ü", "x" * 64):
        with case(name):
            assert raises(UsageError, apps.register, name, "app", "notes").code == "bad_name"
    assert raises(UsageError, apps.register, "notes", "app", root.id.hex()).code == "wrong_type"
    raises(UsageError, apps.register, "notes", "", "notes")
    raises(UsageError, apps.register, "notes", "app", "nowhere")
    assert apps.list()["apps"] == []
