"""A table of keys as plain lists: the model that the core's tables are compared with.

heads of a key = the intentions that wrote it, but for those that a later writer of it named as deps
winner         = the head with the greatest (wall, counter, author); of equal ones the later one of its chain
"""

from judge import differences
from judge.cases import h, same
from lattice_core.machines import kvtable
from lattice_core.wire.reference_messages import TableValue


class TableModel:
    """`items`: the intentions of the case; numbers are indices of them."""

    def __init__(self, items):
        self.items = items
        self.heads = {}  # key: numbers
        self.written = {}  # (key, number): value or None
        self.order = []  # numbers in the order of their application
        self.reference = differences.ReferenceWinners(items)

    def apply(self, number, writes):
        """Applies the writes of an intention, [(key, value or None)], of which the first to a key counts."""
        self.order.append(number)
        deps = list(self.items[number].deps())
        for key, value in writes:
            if (key, number) in self.written:
                continue
            self.written[key, number] = value
            heads = [other for other in self.heads.get(key, ()) if self.items[other].hash not in deps]
            self.heads[key] = sorted(heads + [number], key=self.rank, reverse=True)
            self.reference.apply(key, number)

    def rank(self, number):
        item = self.items[number]
        return (item.wall_ms, item.counter, item.author, self.order.index(number))

    def value(self, key, number):
        return self.written[key, number]

    def winner_value(self, key):
        return self.written[key, self.heads[key][0]]

    def is_weak(self, row):
        """True for a recorded row whose winner or value the reference's rule makes different from ours."""
        key = key_of(row)
        return differences.row_is_weak(row) or self.reference.shown[key] != self.heads[key][0]

    def number_of(self, hash):
        for number, item in enumerate(self.items):
            if item.hash == hash:
                return number
        return None


def check_table(opened, table, model):
    """The core's table against the model: keys, heads in order, values."""
    rows = [key for key, _ in opened.store.rows(table)]
    same("keys", rows, sorted(model.heads))
    for key in rows:
        heads = list(kvtable.heads(opened.store, opened.crypto, table, key))
        same("heads", [model.number_of(head.hash) for head in heads], model.heads[key])
        for number, head in zip(model.heads[key], heads):
            same("deleted", head.deleted, model.value(key, number) is None)
            same("value", read(opened.store, head), model.value(key, number))


def check_recorded(opened, table, recorded, model):
    """The core's table against the recorded rows; where the reference is weak only against their sets of heads."""
    same("recorded keys", sorted(model.heads), sorted([key_of(row) for row in recorded]))
    for row in recorded:
        key = key_of(row)
        heads = list(kvtable.heads(opened.store, opened.crypto, table, key))
        numbers = [model.number_of(head.hash) for head in heads]
        same("recorded heads", sorted(numbers), sorted(row["heads"]))
        if model.is_weak(row):
            continue
        same("winner", numbers[0], row["heads"][0])
        same("recorded value", read(opened.store, heads[0]), None if row["value"] is None else h(row["value"]))
        same("tombstone", heads[0].deleted, row["tombstone"])
        if numbers == row["heads"]:
            same("row", reference_row(opened.store, heads), h(row["raw"]))


def key_of(row):
    """The key of a recorded row: hex in kv.json, text in the others, which have no `value_is_winners`."""
    return h(row["key"]) if "value_is_winners" in row else row["key"].encode()


def read(store, head):
    """The value of a head as bytes, None for a deletion."""
    body = kvtable.value_of(store, head)
    return None if body is None else body.read(0, body.size)


def reference_row(store, heads):
    """The bytes that the reference keeps for these heads."""
    values = {"heads": [head.hash for head in heads]}
    if heads[0].deleted:
        values["tombstone"] = True
    else:
        values["value"] = read(store, heads[0])
    return TableValue.encode(values)
