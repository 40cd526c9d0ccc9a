"""The ordered state tables of one store: rows in the log, their order in `Keys`."""

from lattice_core.weaver.store import ROW_KEY_BYTES, ROW_VALUE_BYTES, TABLES

from . import layout


class Tables:
    def __init__(self, storage, number):
        self.storage = storage
        self.log = storage.log
        self.keys = storage.keys
        self.number = number

    def _sort_key(self, table, key):
        return bytes((self.number, table)) + key

    def row(self, table, key):
        page, index, found = self.keys.find(self._sort_key(table, key))
        if not found:
            return None
        return self._value(self.keys.place(page, index))[1]

    def _value(self, place):
        """(key, value) of the row at a location."""
        payload = self.log.payload(place)
        end = 3 + payload[0]
        return payload[3:end], payload[end:]

    def put_row(self, table, key, value):
        if table not in TABLES:
            raise ValueError("no such table")
        if len(key) > ROW_KEY_BYTES:
            raise ValueError("row key too long")
        if value is not None and len(value) > ROW_VALUE_BYTES:
            raise ValueError("row value too long")
        found = self.keys.find(self._sort_key(table, key))
        head = bytes((len(key), self.number, table))
        if value is None:
            if found[2]:
                self.log.append(layout.UNROW, (head, key))
                self.storage.changed()
                self.apply_unrow(found)
            return
        self.storage.need_row(len(key) + len(value))
        if not found[2]:
            self.storage.need_index()
        place = self.log.append(layout.ROW, (head, key, value))
        self.storage.changed()
        self.apply_row(found, place)

    def apply_row(self, found, place):
        """Points the index at a row. `found` is what `Keys.find` says of its key."""
        page, index, present = found
        self.storage.count_live(place)
        if present:
            self.log.release(self.keys.place(page, index))
            self.keys.replace(page, index, place)
        else:
            self.keys.insert(page, index, place)

    def apply_unrow(self, found):
        page, index, _ = found
        self.log.release(self.keys.place(page, index))
        self.keys.delete(page, index)

    def rows(self, table, prefix=b"", after=None):
        keys = self.keys
        start = bytes((self.number, table))
        wanted = start + prefix
        behind = after is not None and after >= prefix
        page, index, found = keys.find(start + (after if behind else prefix))
        if behind and found:
            index += 1
        while True:
            position = keys.step(page, index)
            if position is None:
                return
            page, index = position
            place = keys.place(page, index)
            sort_key = keys.key_of(place)
            if not sort_key.startswith(wanted):
                return
            version = keys.version
            yield self._value(place)
            if version != keys.version:
                page, index, found = keys.find(sort_key)
                if not found:
                    continue
            index += 1
