"""root.json: scenarios, as far as a share needs them: the tables. The commands' queries are read from them."""

from judge.cases import expect, h, same, unknown
from judge.open_store import OpenStore, in_causal_order, intentions_of
from judge.table_model import TableModel, check_recorded, check_table, read
from lattice_core.errors import ProtocolError
from lattice_core.machines import kvtable
from lattice_core.model.ids import uuid_parse, uuid_text
from lattice_core.storage.contract import TABLE_DATA
from lattice_core.wire import messages, protobuf, root_messages


def check(section, case, context):
    if "orders" not in case:
        raise unknown(section, case)
    items = intentions_of(context.crypto, case)
    for order in case["orders"]:
        expect(not order["stalled"], "no order of a root store stalls")
        recorded = case["orders"][0] if order.get("same_as_order_0") else order
        # RemoveBundle deletes what is present when it is applied: only the recorded order gives the recorded table.
        opened = OpenStore(context.crypto, case, "core:rootstore")
        opened.ingest_all([items[i] for i in order["witnessed"]])
        model = TableModel(items)
        for hash in opened.witnessed():
            number = model.number_of(hash)
            model.apply(number, writes(items[number], model))
        same("witnessed", [model.number_of(hash) for hash in opened.witnessed()], order["witnessed"])
        in_causal_order(opened.store)
        same("skipped", list(opened.weaver.skipped()), [])
        check_table(opened, TABLE_DATA, model)
        check_recorded(opened, TABLE_DATA, recorded["table"], model)
        if order is case["orders"][0]:
            weak = [row["key"] for row in order["table"] if model.is_weak(row)]
            for query in order["queries"]:
                check_query(opened, query, weak)


def writes(item, model):
    """[(key, value or None)] of an intention, the last operation first, by plain decoding."""
    try:
        data = messages.UniversalOp.decode(item.ops_bytes()).get("app_data")
    except ProtocolError:
        return []
    if data is None:
        return []
    payload = decoded(root_messages.RootPayload, data)
    found = []
    if payload is not None and payload["version"] and payload["ops"]:
        for op in reversed(payload["ops"]):
            found.extend(op_writes(op, model))
        return found
    payload = decoded(messages.KvPayload, data)
    for op in reversed(payload["ops"]) if payload is not None else ():
        name = "put" if "put" in op else "delete"
        key = op[name]["key"] if name in op else b""
        if key[:5] == b"apps/" or key[:11] == b"appbundles/":
            found.append((key, op[name].get("value")))
    return found


def decoded(message, data):
    try:
        return message.decode(data)
    except ProtocolError:
        return None


def op_writes(op, model):
    if "register_app" in op:
        values = op["register_app"]
        stem = "apps/%s/" % values["subdomain"]
        store_id = uuid_text(values["store_id"]) if len(values["store_id"]) == 16 else ""
        pairs = [("store-id", store_id.encode()), ("app-id", values["app_id"].encode())]
    elif "remove_app" in op:
        stem = "apps/%s/" % op["remove_app"]["subdomain"]
        pairs = [("store-id", None), ("app-id", None)]
    elif "upload_bundle" in op:
        stem = "appbundles/%s/" % op["upload_bundle"]["app_id"]
        pairs = [("bundle.zip", op["upload_bundle"]["data"])] + manifest_pairs(op["upload_bundle"]["manifest"])
    elif "remove_bundle" in op:
        stem = "appbundles/%s/" % op["remove_bundle"]["app_id"]
        present = [key.decode()[len(stem) :] for key in model.heads if key.startswith((stem + "manifest/").encode())]
        pairs = [(name, None) for name in present + ["bundle.zip"]]
    else:
        return []
    return [((stem + name).encode(), value) for name, value in pairs]


def manifest_pairs(data):
    manifest = decoded(root_messages.BundleManifest, data)
    pairs = []
    for section in manifest["sections"] if manifest is not None else ():
        for entry in section["entries"]:
            pairs.append(("manifest/%s/%s" % (section["name"], entry["key"]), entry["value"].encode()))
    return pairs


# -- queries ----------------------------------------------------------------------------------------------------------


def value_at(opened, key):
    row = opened.store.row(TABLE_DATA, key.encode())
    return None if row is None else read(opened.store, kvtable.winner(row))


def check_query(opened, query, weak):
    """Look-ups of one app or bundle against the recorded response; lists, which the reference gives in no order, are
    not asked of a share."""
    if query["method"] == "GetApp":
        if not [key for key in weak if key.startswith("apps/%s/" % query["subdomain"])]:
            same("GetApp", get_app(opened, query["subdomain"]), h(query["response"]))
    elif query["method"] == "GetBundle":
        app_id = query["app_id"]
        if "appbundles/%s/bundle.zip" % app_id in weak:
            return
        data = value_at(opened, "appbundles/%s/bundle.zip" % app_id)
        values = {"app_id": app_id}
        if data is not None:
            values.update({"exists": True, "data": data})
        same("GetBundle", GetBundleResponse.encode(values), h(query["response"]))


def get_app(opened, name):
    store_id = value_at(opened, "apps/%s/store-id" % name)
    values = {"subdomain": name}
    if store_id is not None:
        app_id = value_at(opened, "apps/%s/app-id" % name) or b""
        number = uuid_parse(store_id.decode()) if store_id else bytes(16)
        values.update({"exists": True, "app_id": app_id.decode(), "store_id": number})
    return GetAppResponse.encode(values)


GetAppResponse = protobuf.Message(
    "GetAppResponse",
    (
        (1, "exists", protobuf.BOOL),
        (2, "subdomain", protobuf.STRING),
        (3, "app_id", protobuf.STRING),
        (4, "store_id", protobuf.BYTES),
    ),
)
GetBundleResponse = protobuf.Message(
    "GetBundleResponse",
    ((1, "exists", protobuf.BOOL), (2, "app_id", protobuf.STRING), (3, "data", protobuf.BYTES, protobuf.OPTIONAL)),
)
