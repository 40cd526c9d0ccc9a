"""`app.*` and `bundle.*`: which apps a share offers, and their bundles (docs/reference/03-state-machines.md §5)."""

from ..errors import UsageError
from ..machines.registry import TYPE_ROOT
from ..model.ids import uuid_text
from .plain import from_hex, hex_of
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..machines.root_view import RootView
    from ..node.node import Node
    from ..node.replica import Replica

    Manifest = list[tuple[str, str, str]]  # (section, key, value)
    ReadBundle = Callable[[bytes, str | None], tuple[str, Manifest]]


class _ShareService(Service):
    """Operations on shares, which are named by any of their stores; None for the only one."""

    def _share(self, selector: "str | None") -> "Replica":
        return self.node.tree.find_root(selector)

    def _shares(self, selector: "str | None") -> "list[Replica]":
        """The share that is meant, or all."""
        return [self._share(selector)] if selector else self.node.tree.roots()


def _view(root) -> "RootView":
    return root.view_as(TYPE_ROOT)


class AppService(_ShareService):
    READS = ("list",)

    def register(self, subdomain: str, app_id: str, store: "str | None" = None) -> "dict[str, Any]":
        """Offers an app under a subdomain of the share of `store`, the store that the app works on (None: the only
        one); it replaces the one that was there: {`subdomain`, `app_id`, `store`, `share`, `hash`}."""
        replica = self._store(store)
        root = self.node.tree.root_of(replica)
        if replica is root:
            raise UsageError("an app works on a data store, not on the share: name one with --store", "wrong_type")
        _check_subdomain(subdomain)
        now_ms = self.now_ms()
        with self.node.journal.write(now_ms):
            written = _view(root).register_app(subdomain, app_id, replica.id, now_ms)
        return {
            "subdomain": subdomain,
            "app_id": app_id,
            "store": uuid_text(replica.id),
            "share": uuid_text(root.id),
            "hash": hex_of(written.hash),
        }

    def remove(self, subdomain: str, store: "str | None" = None) -> "dict[str, Any]":
        """Takes the app under a subdomain away; its bundle stays: {`subdomain`, `app_id`, `share`, `hash`}."""
        root = self._share(store)
        app = _view(root).app(subdomain)
        if app is None:
            raise UsageError("there is no app under %s" % subdomain, "unknown_app")
        now_ms = self.now_ms()
        with self.node.journal.write(now_ms):
            written = _view(root).remove_app(subdomain, now_ms)
        return {
            "subdomain": subdomain,
            "app_id": app.app_id,
            "share": uuid_text(root.id),
            "hash": hex_of(written.hash),
        }

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`apps`: [{`subdomain`, `app_id`, `store` (null where its id makes no sense), `store_name` ("" for one
        that is not open here), `share`, `bundle` (true when there is one)}]}, of one share or of all."""
        rows = []
        for root in self._shares(store):
            view = _view(root)
            for app in view.apps():
                used = self.node.tree.get(app.store_id)
                rows.append(
                    {
                        "subdomain": app.subdomain,
                        "app_id": app.app_id,
                        "store": uuid_text(app.store_id) if app.store_id else None,
                        "store_name": "" if used is None else used.name,
                        "share": uuid_text(root.id),
                        "bundle": view.bundle(app.app_id) is not None,
                    }
                )
        return {"apps": rows}


class BundleService(_ShareService):
    """`read(data, app_id)` gives (app id, manifest) of a zip file. It raises a UsageError for what is no bundle, or
    one of another app than `app_id` (None: of any). No stick can read one."""

    READS = ("list",)

    def __init__(self, node: "Node", now_ms: "Callable[[], int]", read: "ReadBundle"):
        super().__init__(node, now_ms)
        self._read = read

    def upload(self, data_hex: str, app_id: "str | None" = None, store: "str | None" = None) -> "dict[str, Any]":
        """Writes the zip file of an app, which replaces its bundle of before: {`app_id`, `size`, `manifest`, `share`,
        `hash`}."""
        root = self._share(store)
        data = from_hex(data_hex, "data_hex")
        app_id, manifest = self._read(data, app_id)
        now_ms = self.now_ms()
        with self.node.journal.write(now_ms):
            written = _view(root).upload_bundle(app_id, data, manifest, now_ms)
        return {
            "app_id": app_id,
            "size": len(data),
            "manifest": _sections(manifest),
            "share": uuid_text(root.id),
            "hash": hex_of(written.hash),
        }

    def remove(self, app_id: str, store: "str | None" = None) -> "dict[str, Any]":
        """Takes a bundle and its manifest away: {`app_id`, `share`, `hash`}."""
        root = self._share(store)
        if _view(root).bundle(app_id) is None:
            raise UsageError("there is no bundle of %s" % app_id, "unknown_app")
        now_ms = self.now_ms()
        with self.node.journal.write(now_ms):
            written = _view(root).remove_bundle(app_id, now_ms)
        return {"app_id": app_id, "share": uuid_text(root.id), "hash": hex_of(written.hash)}

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`bundles`: [{`app_id`, `size`, `manifest`: {section: {key: value}}, `share`}]}, of one share or of all."""
        rows = []
        for root in self._shares(store):
            view = _view(root)
            for app_id in view.bundles():
                body = view.bundle(app_id)
                rows.append(
                    {
                        "app_id": app_id,
                        "size": 0 if body is None else body.size,
                        "manifest": _sections(view.manifest(app_id)),
                        "share": uuid_text(root.id),
                    }
                )
        return {"bundles": rows}


def _check_subdomain(name):
    """A subdomain of ours is one label of a host name, as a browser needs it; those of others are shown as they are."""
    plain = "abcdefghijklmnopqrstuvwxyz0123456789-"
    fits = 0 < len(name) <= 63 and name[0] != "-" and name[-1] != "-"
    if not fits or any(character not in plain for character in name):
        raise UsageError(
            "a subdomain has 1 to 63 small letters, digits and inner dashes; %s does not" % repr(name[:63]), "bad_name"
        )


def _sections(manifest):
    found = {}
    for section, key, value in manifest:
        found.setdefault(section, {})[key] = value
    return found
