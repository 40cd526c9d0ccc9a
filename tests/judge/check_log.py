"""log.json: scenarios.

Where the reference stalls at a second entry of one author and time, that entry is skipped here (docs/differences.md):
the tables of such orders are checked against the rule only.
"""

from judge.cases import expect, h, same, unknown
from judge.open_store import OpenStore, in_causal_order, intentions_of
from lattice_core.machines.log import row_key
from lattice_core.wire.log_messages import ReadRequest, ReadResponse
from lattice_core.wire.messages import UniversalOp


def check(section, case, context):
    if "orders" not in case:
        raise unknown(section, case)
    items = intentions_of(context.crypto, case)
    hashes = []
    for order in case["orders"]:
        recorded = case["orders"][0] if order.get("same_as_order_0") else order
        for sequence in (order["arrival"], order["witnessed"]):
            opened = OpenStore(context.crypto, case, "core:logstore")
            opened.ingest_all([items[number] for number in sequence])
            in_causal_order(opened.store)
            check_rule(opened)
            same("skipped", len(list(opened.weaver.skipped())) > 0, order["stalled"])
            if not order["stalled"]:
                check_recorded(opened, recorded)
            hashes.append(opened.weaver.state_hash())
    expect(len(set(hashes)) == 1, "the state depends on the order of arrival")


def contents(entries):
    return [entry.content().read(0, entry.content().size) for entry in entries]


def check_rule(opened):
    """The entries are those of a plain decoding: the first of each author and time, by time and author."""
    expected = {}
    for hash in opened.witnessed():
        item = opened.store.get(hash)
        content = UniversalOp.decode(item.ops_bytes()).get("app_data")
        key = row_key(item.wall_ms, item.author)
        if content and key not in expected:
            expected[key] = content
    keys = sorted(expected)
    same("keys", [entry.key for entry in opened.view.entries()], keys)
    same("contents", contents(opened.view.entries()), [expected[key] for key in keys])


def check_recorded(opened, order):
    rows = []
    for entry in opened.view.entries():
        content = entry.content()
        rows.append((entry.key.hex(), (content.size.to_bytes(8, "little") + content.read(0, content.size)).hex()))
    same("rows", rows, [(key, value) for key, value in order["rows"]])
    same("read", contents(opened.view.entries()), [h(content) for content in order["read"]])
    for tail in order["tails"]:
        same("tail request", ReadRequest.encode({"tail": tail["tail"]}), h(tail["request"]))
        items = contents(opened.view.tail(tail["tail"]))
        same("tail", ReadResponse.encode({"items": items}), h(tail["response"]))
