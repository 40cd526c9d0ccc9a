"""`core:rootstore`: apps and their bundles (docs/reference/03-state-machines.md §5), as far as a share carries them.

A native payload registers apps and uploads bundles; a payload of an older store is a KvPayload of which only keys under
`apps/` and `appbundles/` count. Nothing is an error: what is neither is dropped, as the reference does. Operations are
walked last to first, like those of `kv.py`.
"""

from ..compat import const
from ..errors import ProtocolError
from ..model.ids import uuid_text
from ..storage.contract import TABLE_DATA
from ..wire import root_messages as messages
from ..wire.scan import check, level, repeated
from . import kvtable
from .keys import KeyBuilder
from .kv import KvMachine, in_reverse

_OPS = const(1)
# Bundles both uploaded and removed by one intention that are remembered; besides those all that have many rows, which
# cannot be many: on a stick 600, by what its memory holds of rows.
REMOVED_KEPT = const(256)
_FEW_ROWS = const(24)
_NOTHING = (0, 0)  # where a field lies that is not there


def _is_root_key(key):
    return key[:5] == b"apps/" or key[:11] == b"appbundles/"


class RootApplier:
    """Applies the payloads of one root store."""

    def __init__(self):
        self._legacy = KvMachine(_is_root_key)

    def apply(self, change, start, end):
        """Applies the payload at [start, end). ProtocolError, before anything was written, for an operation in too many
        pieces; nothing else is an error."""
        if _is_native(change.body, start, end):
            for operation in _operations(change, start, end):
                level(messages.RootOperation, change.body, [operation])
            for operation in in_reverse(change, start, end, _operations):
                _apply(change, [operation])
            return
        try:
            self._legacy.apply(change, start, end)
        except ProtocolError:
            return  # neither kind of payload: dropped


def _is_native(body, start, end):
    try:
        check(messages.RootPayload, body, start, end)
    except ProtocolError:
        return False
    payload = [(start, end)]
    version = level(messages.RootPayload, body, payload).get("version", 0)
    return version > 0 and next(repeated(body, payload, _OPS), None) is not None


def _operations(change, start, end):
    return repeated(change.body, [(start, end)], _OPS)


def _apply(change, operation):
    found = level(messages.RootOperation, change.body, operation)
    for name in found:
        message, apply = _APPLY[name]
        apply(change, level(message, change.body, found[name]))


def _key(change, *parts):
    """The row key made of bytes and of places in the ops."""
    builder = KeyBuilder(change.crypto)
    for part in parts:
        if isinstance(part, tuple):
            builder.add_range(change.body, part[0], part[1])
        else:
            builder.add(part)
    return builder.key()


def _put(change, key, content):
    head = change.write(TABLE_DATA, key, content)
    if head is not None:
        change.emit(("root", change.store.id, key, kvtable.is_deleted(head)))


def _text(change, place):
    """A string field as a stored value."""
    if place[1] <= kvtable.INLINE_BYTES:
        return kvtable.inline(change.read(*place))
    return kvtable.reference(*place)


def _register_app(change, op):
    name = op.get("subdomain", _NOTHING)
    place = op.get("store_id", _NOTHING)
    text = uuid_text(change.read(*place)).encode() if place[1] == 16 else b""
    _put(change, _key(change, b"apps/", name, b"/store-id"), kvtable.inline(text))
    _put(change, _key(change, b"apps/", name, b"/app-id"), _text(change, op.get("app_id", _NOTHING)))


def _remove_app(change, op):
    for part in (b"/store-id", b"/app-id"):
        _put(change, _key(change, b"apps/", op.get("subdomain", _NOTHING), part), kvtable.deleted())


def _upload_bundle(change, op):
    app_id = op.get("app_id", _NOTHING)
    zip_at = op.get("data", _NOTHING)
    _put(change, _key(change, b"appbundles/", app_id, b"/bundle.zip"), kvtable.reference(*zip_at))
    start, size = op.get("manifest", _NOTHING)
    try:
        check(messages.BundleManifest, change.body, start, start + size)
    except ProtocolError:
        return  # the reference ignores a manifest that it cannot read
    for section in repeated(change.body, [(start, start + size)], 1):
        name = level(messages.BundleManifestSection, change.body, [section]).get("name", _NOTHING)
        for entry in repeated(change.body, [section], 2):
            values = level(messages.BundleManifestEntry, change.body, [entry])
            key = _key(change, b"appbundles/", app_id, b"/manifest/", name, b"/", values.get("key", _NOTHING))
            _put(change, key, _text(change, values.get("value", _NOTHING)))


def _remove_bundle(change, op):
    """Deletes what is present now: the one operation whose effect depends on the order of arrival.

    Once an intention has removed a bundle, each row that was there is its own, and what it writes there afterwards
    changes nothing: the same removal again has nothing to do, and is not to look through all the rows for it.
    """
    app_id = op.get("app_id", _NOTHING)
    bundle = _key(change, b"appbundles/", app_id, b"/bundle.zip")
    written = change.written(TABLE_DATA, bundle)
    if written is not None and (kvtable.is_deleted(written) or bundle in change.removed):
        return
    count = 0
    for key, _ in change.store.rows(TABLE_DATA, _key(change, b"appbundles/", app_id, b"/manifest/")):
        _put(change, key, kvtable.deleted())
        count += 1
    if written is not None and (count > _FEW_ROWS or len(change.removed) < REMOVED_KEPT):
        change.removed.add(bundle)  # an upload behind it in the payload has written the row
    _put(change, bundle, kvtable.deleted())


_APPLY = {
    "register_app": (messages.RegisterAppOp, _register_app),
    "remove_app": (messages.RemoveAppOp, _remove_app),
    "upload_bundle": (messages.UploadBundleOp, _upload_bundle),
    "remove_bundle": (messages.RemoveBundleOp, _remove_bundle),
}
