"""What a program reads from a root store and writes into it: apps, bundles (docs/reference/03-state-machines.md §5)."""

from ..errors import UsageError
from ..model import ops
from ..model.ids import uuid_parse
from ..wire import utf8
from ..wire.root_messages import BundleManifest, RootPayload
from .kv_view import KvView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model.intention import Intention
    from ..seams import Body
    from .registry import Viewable

_APPS = b"apps/"
_BUNDLES = b"appbundles/"
_STORE_ID = b"/store-id"
_APP_ID = b"/app-id"
_ZIP = b"/bundle.zip"
_MANIFEST = b"/manifest/"


class App:
    """A registered app: `subdomain`, `app_id`, `store_id` (16 bytes, or b"" when its id made no sense)."""

    def __init__(self, subdomain: str, app_id: str, store_id: bytes):
        self.subdomain = subdomain
        self.app_id = app_id
        self.store_id = store_id


class RootView:
    """Reads and writes of one open root store."""

    def __init__(self, replica: "Viewable"):
        self._weaver = replica.weaver
        self._rows = KvView(replica)

    # -- apps --------------------------------------------------------------------------------------------------------

    def app(self, subdomain: str) -> "App | None":
        """The app under a subdomain, None when there is none."""
        stem = _APPS + subdomain.encode()
        store_id = self._value(stem + _STORE_ID)
        if store_id is None:
            return None
        app_id = self._value(stem + _APP_ID)
        return App(subdomain, "" if app_id is None else _text(app_id), _store_id(_text(store_id)))

    def apps(self) -> "Iterator[App]":
        """Iterates over all apps, ascending by subdomain."""
        for name in self._names(_APPS, _STORE_ID):
            app = self.app(name)
            if app is not None:
                yield app

    def register_app(self, subdomain: str, app_id: str, store_id: bytes, now_ms: int) -> "Intention":
        """Registers an app, or replaces the one under this subdomain."""
        _check_name(subdomain, "a subdomain")
        _check_name(app_id, "an app id")
        operation = {"register_app": {"subdomain": subdomain, "app_id": app_id, "store_id": store_id}}
        return self._write(operation, self._app_keys(subdomain), now_ms)

    def remove_app(self, subdomain: str, now_ms: int) -> "Intention":
        """Removes the app under a subdomain, registered or not."""
        _check_name(subdomain, "a subdomain")
        return self._write({"remove_app": {"subdomain": subdomain}}, self._app_keys(subdomain), now_ms)

    def _app_keys(self, subdomain):
        stem = _APPS + subdomain.encode()
        return [stem + _STORE_ID, stem + _APP_ID]

    # -- bundles -----------------------------------------------------------------------------------------------------

    def bundle(self, app_id: str) -> "Body | None":
        """The zip file of an app, None when there is none."""
        return self._value(_BUNDLES + app_id.encode() + _ZIP)

    def bundles(self) -> "Iterator[str]":
        """Iterates over the ids of all apps that have a bundle, ascending."""
        return self._names(_BUNDLES, _ZIP)

    def manifest(self, app_id: str) -> "list[tuple[str, str, str]]":
        """[(section, key, value), …] of a bundle's manifest, ascending."""
        stem = _BUNDLES + app_id.encode() + _MANIFEST
        found = []
        for entry in self._rows.list(stem):
            name = _utf8(entry.key[len(stem) :])
            if name is not None and "/" in name:
                section, key = name.split("/", 1)
                found.append((section, key, _text(entry.value())))
        return found

    def upload_bundle(
        self, app_id: str, data: bytes, manifest: "list[tuple[str, str, str]]", now_ms: int
    ) -> "Intention":
        """Writes a bundle. `manifest`: [(section, key, value), …] as `data` states it; the caller has checked both."""
        _check_name(app_id, "an app id")
        if not data:
            raise UsageError("a bundle must not be empty")
        sections = []
        for name in sorted({section for section, _, _ in manifest}):
            entries = [{"key": key, "value": value} for section, key, value in sorted(manifest) if section == name]
            sections.append({"name": name, "entries": entries})
        values = {"app_id": app_id, "data": data, "manifest": BundleManifest.encode({"sections": sections})}
        stem = _BUNDLES + app_id.encode()
        keys = [stem + _ZIP] + [stem + _MANIFEST + ("%s/%s" % (name, key)).encode() for name, key, _ in manifest]
        return self._write({"upload_bundle": values}, keys, now_ms)

    def remove_bundle(self, app_id: str, now_ms: int) -> "Intention":
        """Removes a bundle and its manifest."""
        _check_name(app_id, "an app id")
        stem = _BUNDLES + app_id.encode()
        keys = [stem + _ZIP] + [entry.key for entry in self._rows.list(stem + _MANIFEST, deleted=True)]
        return self._write({"remove_bundle": {"app_id": app_id}}, keys, now_ms)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _names(self, start, end):
        """What stands between `start` and `end` in the live keys that have both."""
        for entry in self._rows.list(start):
            key = bytes(entry.key)
            if key[len(key) - len(end) :] == end:
                name = _utf8(key[len(start) : len(key) - len(end)])
                if name is not None:
                    yield name

    def _value(self, key):
        entry = self._rows.get(key)
        return None if entry is None else entry.value()

    def _write(self, operation, keys, now_ms):
        payload = RootPayload.encode({"ops": [operation], "version": 1})
        return self._weaver.submit(ops.app(payload), self._rows.deps_for(keys), now_ms)


def _check_name(name, what):
    if not name:
        raise UsageError("%s must not be empty" % what)


def _utf8(data):
    return utf8.decode(data) if utf8.valid(data) else None


def _text(body):
    return _utf8(body.read(0, body.size)) or ""


def _store_id(text):
    try:
        return uuid_parse(text)
    except UsageError:
        return b""
