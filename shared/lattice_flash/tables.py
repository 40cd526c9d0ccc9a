"""The ordered state tables of one store: rows in the log, their order in `RowIndex`."""

from lattice_core.storage.contract import ROW_KEY_BYTES, ROW_VALUE_BYTES, TABLES

from . import layout


class Tables:
    def __init__(self, storage, number):
        self.storage = storage
        self.log = storage.log
        self.row_index = storage.row_index
        self.number = number

    def _sort_key(self, table, key):
        return bytes((self.number, table)) + key

    def row(self, table, key):
        page, index, found = self.row_index.find(self._sort_key(table, key))
        if not found:
            return None
        return self._value(self.row_index.address(page, index))[1]

    def _value(self, address):
        """(key, value) of the row at an address."""
        payload = self.log.payload(address)
        end = 3 + payload[0]
        return payload[3:end], payload[end:]

    def put_row(self, table, key, value):
        if table not in TABLES:
            raise ValueError("no such table")
        if len(key) > ROW_KEY_BYTES:
            raise ValueError("row key too long")
        if value is not None and len(value) > ROW_VALUE_BYTES:
            raise ValueError("row value too long")
        found = self.row_index.find(self._sort_key(table, key))
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
        address = self.log.append(layout.ROW, (head, key, value))
        self.storage.changed()
        self.apply_row(found, address)

    def apply_row(self, found, address):
        """Points the index at a row. `found` is what `RowIndex.find` says of its key."""
        page, index, present = found
        self.storage.count_live(address)
        if present:
            self.log.release(self.row_index.address(page, index))
            self.row_index.replace(page, index, address)
        else:
            self.row_index.insert(page, index, address)

    def apply_unrow(self, found):
        page, index, _ = found
        self.log.release(self.row_index.address(page, index))
        self.row_index.delete(page, index)

    def rows(self, table, prefix=b"", after=None):
        keys = self.row_index
        start = bytes((self.number, table))
        wanted = start + prefix
        if after is None or after < prefix:
            page, index, _ = keys.find(wanted)
        else:
            page, index, found = keys.find(start + after)
            index += found
        while True:
            position = keys.step(page, index)
            if position is None:
                return
            page, index = position
            address = keys.address(page, index)
            sort_key = keys.key_of(address)
            if not sort_key.startswith(wanted):
                return
            version = keys.version
            yield self._value(address)
            if version != keys.version:
                page, index, found = keys.find(sort_key)
                if not found:
                    continue
            index += 1
