"""kv.json: scenarios, rows."""

from judge import differences
from judge.cases import expect, h, same, unknown
from judge.open_store import OpenStore, in_causal_order, intentions_of
from judge.table_model import TableModel, check_recorded, check_table
from lattice_core.errors import ProtocolError
from lattice_core.model.ids import hex_text
from lattice_core.storage.contract import TABLE_DATA
from lattice_core.wire.messages import KvPayload, UniversalOp
from lattice_core.wire.reference_messages import GetResponse, InspectResponse, ListResponse, TableValue


def check(section, case, context):
    if section == "rows":
        check_row(case)
    elif "orders" in case and "tables" in case:
        Scenario(case, context.crypto).check()
    else:
        raise unknown(section, case)


def check_row(case):
    """The reference's form of a row."""
    raw = h(case["raw"])
    values = TableValue.decode(raw)
    same("heads", [head.hex() for head in values["heads"]], case["heads"])
    same("row", TableValue.encode(values), raw)


def writes(item):
    """[(key, value or None)] that an intention writes, by plain decoding, the last operation first."""
    try:
        operations = KvPayload.decode(UniversalOp.decode(item.ops_bytes()).get("app_data", b""))["ops"]
    except ProtocolError:
        return []
    found = []
    for operation in reversed(operations):
        if "put" in operation:
            found.append((operation["put"]["key"], operation["put"]["value"]))
        elif "delete" in operation:
            found.append((operation["delete"]["key"], None))
    return found


class Scenario:
    def __init__(self, case, crypto):
        self.case = case
        self.crypto = crypto
        self.items = intentions_of(crypto, case)

    def run(self, sequence):
        """The store after these intentions came in this order, and the model of it."""
        opened = OpenStore(self.crypto, self.case, "core:kvstore")
        opened.ingest_all([self.items[i] for i in sequence])
        model = TableModel(self.items)
        for hash in opened.witnessed():
            number = model.number_of(hash)
            model.apply(number, writes(self.items[number]))
        return opened, model

    def check(self):
        case = self.case
        hashes = []
        for order in case["orders"]:
            for sequence in (order["arrival"], order["witnessed"]):
                opened, model = self.run(sequence)
                witnessed = [model.number_of(hash) for hash in opened.witnessed()]
                same("witnessed", sorted(witnessed), sorted(order["witnessed"]))
                in_causal_order(opened.store)
                check_table(opened, TABLE_DATA, model)
                if not order["stalled"]:
                    check_recorded(opened, TABLE_DATA, case["tables"][order["table"]], model)
                hashes.append(opened.weaver.state_hash())
                opened = model = None
        expect(len(set(hashes)) == 1, "the state depends on the order of arrival")
        self.check_reads(case["orders"][0])
        if case.get("watch") is not None:
            self.check_watch(case["orders"][0])

    # -- reads, in the state after order 0 -----------------------------------------------------------------------------

    def check_reads(self, order):
        case = self.case
        opened, model = self.run(order["witnessed"])
        weak = weak_keys(case["tables"][order["table"]])
        for listing in case["list"]:
            prefix = h(listing["prefix"])
            items = [listed(entry) for entry in opened.view.list(prefix)]
            same("list", [(item["key"], item["value"]) for item in items], expected_list(model, prefix))
            if not weak and not order["stalled"]:
                same("list response", ListResponse.encode({"items": items}), h(listing["response"]))
            check_pages(opened, prefix, [item["key"] for item in items])
        for query in case["queries"]:
            key = h(query["key"])
            if key not in weak and not order["stalled"]:
                same("get", get_response(opened, key), h(query["get"]))
                same("inspect", inspect_response(opened, key), sorted_heads(model, h(query["inspect"])))

    # -- events --------------------------------------------------------------------------------------------------------

    def check_watch(self, order):
        """Events of each ingest call of order 0: against the model, and against the recorded ones, but for the values
        that the reference's rule for winners makes different."""
        opened = OpenStore(self.crypto, self.case, "core:kvstore")
        model = TableModel(self.items)
        reference = differences.ReferenceWinners(self.items)
        got, expected, explained = [], [], []
        for call, number in enumerate(order["arrival"]):
            count = opened.store.count
            opened.weaver.events = []
            opened.ingest(self.items[number])
            for _, hash, _, _ in opened.store.witness_log(count):
                witnessed = model.number_of(hash)
                for key, winner in _apply(model, witnessed):
                    expected.append((call, hex_text(key), repr(model.value(key, winner))))
                    shown = reference.apply(key, witnessed)
                    explained.append((call, hex_text(key), repr(model.value(key, shown))))
            for event in opened.weaver.events:
                if event[0] == "kv":
                    _, _, key, deleted, hash = event
                    value = model.value(key, model.number_of(hash))
                    same("deleted", deleted, value is None)
                    got.append((call, hex_text(key), repr(value)))
        same("events", got, expected)
        if order["stalled"] or (expected and not self.case["watch"]):
            return  # large scenarios are recorded without events
        recorded = [(call, key, repr(None if value is None else h(value))) for call, key, value in self.case["watch"]]
        same("recorded events", sorted(explained), sorted(recorded))


def _apply(model, number):
    """Applies an intention to the model; [(key, winner afterwards)] of the keys it wrote."""
    found = []
    for key, value in writes(model.items[number]):
        if (key, number) not in model.written:
            model.apply(number, [(key, value)])
            found.append((key, model.heads[key][0]))
    return found


def weak_keys(table):
    return [h(row["key"]) for row in table if differences.row_is_weak(row)]


def listed(entry):
    value = entry.value()
    return {"key": entry.key, "value": value.read(0, value.size), "conflicted": entry.conflicted}


def expected_list(model, prefix):
    found = []
    for key in sorted(model.heads):
        value = model.winner_value(key)
        if key[: len(prefix)] == prefix and value is not None:
            found.append((key, value))
    return found


def check_pages(opened, prefix, keys):
    """The same list in pages of two."""
    paged, after = [], None
    while True:
        page = [entry.key for entry in opened.view.list(prefix, after, 2)]
        paged.extend(page)
        if len(page) < 2:
            break
        after = page[-1]
    same("pages", paged, keys)


def get_response(opened, key):
    entry, inspected = opened.view.get(key), opened.view.inspect(key)
    values = {"conflicted": inspected is not None and inspected.conflicted}
    if entry is not None:
        values["value"] = listed(entry)["value"]
    return GetResponse.encode(values)


def inspect_response(opened, key):
    entry = opened.view.inspect(key)
    values = {"key": key}
    if entry is not None:
        heads = [head.hash for head in entry.heads()]
        values.update({"exists": True, "heads": heads, "head_count": len(heads), "conflicted": entry.conflicted})
        if entry.winner.deleted:
            values["tombstone"] = True
        else:
            values["value"] = listed(entry)["value"]
    return InspectResponse.decode(InspectResponse.encode(values))


def sorted_heads(model, response):
    """A recorded InspectResponse with its losing heads in our order."""
    values = InspectResponse.decode(response)
    numbers = sorted([model.number_of(hash) for hash in values["heads"]], key=model.rank, reverse=True)
    values["heads"] = [model.items[number].hash for number in numbers]
    return values
