"""api.json: kv, log, root, system_writer. The recorded calls in their order, each on the store that the calls before it
made: what a call writes (its ops, and which of the earlier writes are its deps) and what it answers.

Own stamps are ours, so hashes are not compared (docs/differences.md, "Own stamps"). Deps that are there more than once
in the recording are there once here. Texts of errors are ours; that there is one is compared.
"""

from judge import check_kv
from judge.cases import h, same, unknown
from judge.open_store import NOW_MS, OpenStore
from lattice_core.errors import UsageError
from lattice_core.model import ops
from lattice_core.wire import log_messages, messages, reference_messages, root_messages
from lattice_core.wire.protobuf import Message

try:
    from lattice_host import bundle_zip
except ImportError:
    bundle_zip = None

STORE = {"store_id": "aa" * 16}
TYPES = {"kv": "core:kvstore", "log": "core:logstore", "root": "core:rootstore", "system_writer": "core:rootstore"}

GetAppResponse = Message(
    "GetAppResponse",
    ((1, "found", "bool"), (2, "subdomain", "string"), (3, "app_id", "string"), (4, "store_id", "bytes")),
)
AppEntries = Message("ListAppsResponse", ((1, "apps", root_messages.RegisterAppOp, "*"),))
GetBundleResponse = Message("GetBundleResponse", ((1, "found", "bool"), (2, "app_id", "string"), (3, "data", "bytes")))
BundleEntry = Message("BundleEntry", ((1, "app_id", "string"), (2, "manifest", root_messages.BundleManifest)))
BundleEntries = Message("ListBundlesResponse", ((1, "bundles", BundleEntry, "*"),))


def check(section, case, context):
    if "method" not in case and "call" not in case:
        raise unknown(section, case)
    if section not in context.state:
        opened = OpenStore(context.crypto, STORE, TYPES[section], h(context.document["node_seed"]))
        context.state[section] = RecordedCalls(opened)
    context.state[section].check(section, case)


class RecordedCalls:
    """One store and what the calls so far have written into it."""

    def __init__(self, opened):
        self.opened = opened
        self.written = []

    def check(self, section, case):
        before = self.opened.store.count
        response, error = None, None
        try:
            if section == "system_writer":
                write_system(self.opened, case)
            else:
                handler = HANDLERS[section].get(case["method"])
                if handler is None:
                    raise UsageError("no such method")
                response = handler(self.opened, h(case["request"]), case)
        except UsageError as caught:
            error = caught
        same("refused", error is not None, "error" in case)
        same("writes", self.opened.store.count - before, 1 if "intention" in case else 0)
        if "intention" in case:
            self.check_write(case["intention"], self.opened.store.count)
        if "response" in case:
            self.check_response(case, response)

    def check_write(self, recorded, sequence):
        item = self.opened.store.get(self.opened.store.witness_at(sequence)[0])
        same("ops", item.ops_bytes(), h(recorded["ops"]))
        deps = sorted([self.written.index(dep) for dep in item.deps()])
        same("deps", deps, sorted(set(recorded["deps"])))
        same("number", len(self.written), recorded["index"])
        self.written.append(item.hash)

    def check_response(self, case, response):
        """The recorded answer with our hashes in it."""
        expected = h(case["response"])
        if "intention" in case and expected[:2] == b"\x0a\x20":
            expected = expected[:2] + self.written[-1]
        elif case["method"] == "Inspect":
            values = reference_messages.InspectResponse.decode(expected)
            values["heads"] = reference_messages.InspectResponse.decode(response)["heads"]
            same("heads", len(values["heads"]), values["head_count"])
            expected = reference_messages.InspectResponse.encode(values)
        same("response", response, expected)


def whole(body):
    return body.read(0, body.size)


# -- core:kvstore ----------------------------------------------------------------------------------------------------


def kv_put(opened, request, _):
    values = reference_messages.PutRequest.decode(request)
    return hashed(opened.view.put(values["key"], values["value"], NOW_MS))


def kv_delete(opened, request, _):
    return hashed(opened.view.delete(reference_messages.DeleteRequest.decode(request)["key"], NOW_MS))


def kv_batch(opened, request, _):
    operations = []
    asked = reference_messages.BatchRequest.decode(request)["ops"]
    for operation in asked:
        if "put" in operation:
            operations.append((operation["put"]["key"], operation["put"]["value"]))
        elif "delete" in operation:
            operations.append((operation["delete"]["key"], None))
    if (
        asked and not operations
    ):  # only operations without a variant: the reference writes an empty payload, no API of ours
        return hashed(opened.weaver.submit(ops.app(b""), [], NOW_MS))
    return hashed(opened.view.batch(operations, NOW_MS))


def hashed(intention):
    return reference_messages.HashResponse.encode({"hash": intention.hash})


def kv_get(opened, request, _):
    return check_kv.get_response(opened, reference_messages.GetRequest.decode(request)["key"])


def kv_inspect(opened, request, _):
    key = reference_messages.InspectRequest.decode(request)["key"]
    return reference_messages.InspectResponse.encode(check_kv.inspect_response(opened, key))


def kv_list(opened, request, _):
    prefix = reference_messages.ListRequest.decode(request)["prefix"]
    return reference_messages.ListResponse.encode(
        {"items": [check_kv.listed(entry) for entry in opened.view.list(prefix)]}
    )


# -- core:logstore ---------------------------------------------------------------------------------------------------


def log_append(opened, request, _):
    return hashed(opened.view.append(log_messages.AppendRequest.decode(request)["content"], NOW_MS))


def log_read(opened, request, _):
    values = log_messages.ReadRequest.decode(request)
    entries = opened.view.entries() if values.get("tail") is None else opened.view.tail(values["tail"])
    return log_messages.ReadResponse.encode({"items": [whole(entry.content()) for entry in entries]})


# -- core:rootstore --------------------------------------------------------------------------------------------------


def register_app(opened, request, _):
    values = root_messages.RegisterAppOp.decode(request)
    opened.view.register_app(values["subdomain"], values["app_id"], values["store_id"], NOW_MS)
    return b""


def remove_app(opened, request, _):
    opened.view.remove_app(root_messages.RemoveAppOp.decode(request)["subdomain"], NOW_MS)
    return b""


def get_app(opened, request, _):
    name = root_messages.RemoveAppOp.decode(request)["subdomain"]
    app = opened.view.app(name)
    values = {"subdomain": name}
    if app is not None:
        values.update({"found": True, "app_id": app.app_id, "store_id": app.store_id or bytes(16)})
    return GetAppResponse.encode(values)


def list_apps(opened, request, _):
    apps = []
    for app in opened.view.apps():
        apps.append({"subdomain": app.subdomain, "app_id": app.app_id, "store_id": app.store_id})
    return AppEntries.encode({"apps": apps})


def upload_bundle(opened, request, case):
    """No stick reads zip files: there the manifest is the one in the recorded write, and what is refused of a zip file
    is not checked."""
    values = root_messages.UploadBundleOp.decode(request)
    if bundle_zip is not None:
        app_id, manifest = bundle_zip.read(values["data"], values["app_id"])
        opened.view.upload_bundle(app_id, values["data"], manifest, NOW_MS)
        return root_messages.RemoveBundleOp.encode({"app_id": app_id})
    if "intention" not in case:
        raise unknown("root", case)
    payload = messages.UniversalOp.decode(h(case["intention"]["ops"]))["app_data"]
    operation = root_messages.RootPayload.decode(payload)["ops"][0]["upload_bundle"]
    manifest = []
    for section in root_messages.BundleManifest.decode(operation["manifest"])["sections"]:
        manifest.extend([(section["name"], entry["key"], entry["value"]) for entry in section["entries"]])
    opened.view.upload_bundle(operation["app_id"], values["data"], manifest, NOW_MS)
    return root_messages.RemoveBundleOp.encode({"app_id": operation["app_id"]})


def remove_bundle(opened, request, _):
    opened.view.remove_bundle(root_messages.RemoveBundleOp.decode(request)["app_id"], NOW_MS)
    return b""


def get_bundle(opened, request, _):
    app_id = root_messages.RemoveBundleOp.decode(request)["app_id"]
    data = opened.view.bundle(app_id)
    values = {"app_id": app_id}
    if data is not None:
        values.update({"found": True, "data": whole(data)})
    return GetBundleResponse.encode(values)


def list_bundles(opened, request, _):
    bundles = []
    for app_id in opened.view.bundles():
        sections = []
        for section, key, value in opened.view.manifest(app_id):
            if not sections or sections[-1]["name"] != section:
                sections.append({"name": section, "entries": []})
            sections[-1]["entries"].append({"key": key, "value": value})
        bundles.append({"app_id": app_id, "manifest": {"sections": sections}})
    return BundleEntries.encode({"bundles": bundles})


HANDLERS = {
    "kv": {
        "Put": kv_put,
        "Delete": kv_delete,
        "Batch": kv_batch,
        "Get": kv_get,
        "Inspect": kv_inspect,
        "List": kv_list,
    },
    "log": {"Append": log_append, "Read": log_read},
    "root": {
        "RegisterApp": register_app,
        "RemoveApp": remove_app,
        "GetApp": get_app,
        "ListApps": list_apps,
        "UploadBundle": upload_bundle,
        "RemoveBundle": remove_bundle,
        "GetBundle": get_bundle,
        "ListBundles": list_bundles,
    },
}


# -- the system table --------------------------------------------------------------------------------------------------


def write_system(opened, case):
    """The recorded operations with the deps that our writer chooses; an empty batch writes nothing."""
    if "intention" not in case:
        return
    operation = messages.UniversalOp.decode(h(case["intention"]["ops"]))["system"]
    operations = operation["batch"]["ops"] if "batch" in operation else [operation]
    same("batch", ops.system_batch(operations), h(case["intention"]["ops"]))
    opened.weaver.submit(ops.system_batch(operations), opened.system.deps_for(operations), NOW_MS)
