"""The ordered index of all state tables: addresses of rows, sorted by (store, table, key). 4 to 8 bytes of heap a row.

RowIndex are not in RAM: a comparison reads the key where it lies in flash. Pages of a sorted list, split when full, so
that an insert moves at most a page.
"""

from array import array

_PAGE_ROWS = 128


class RowIndex:
    def __init__(self, key_of):
        self.key_of = key_of  # address -> sort key (bytes)
        self.clear()

    def clear(self):
        self.pages = []
        self.fills = []
        self.version = 0  # changes whenever positions do
        self.count = 0

    def find(self, key):
        """(page, index, found): where `key` is, or where it would be inserted. (-1, 0, False) in an empty table."""
        if not self.pages:
            return -1, 0, False
        key_of = self.key_of
        low, high = 0, len(self.pages) - 1
        while low < high:  # the last page whose first key is not greater
            middle = (low + high + 1) >> 1
            if key_of(self.pages[middle][0]) <= key:
                low = middle
            else:
                high = middle - 1
        page = self.pages[low]
        start, end = 0, self.fills[low]
        while start < end:
            middle = (start + end) >> 1
            there = key_of(page[middle])
            if there == key:
                return low, middle, True
            if there < key:
                start = middle + 1
            else:
                end = middle
        return low, start, False

    def address(self, page, index):
        return self.pages[page][index]

    def replace(self, page, index, address):
        self.pages[page][index] = address

    def insert(self, page, index, address):
        """Inserts at a position that `find` gave."""
        self.version += 1
        self.count += 1
        if page < 0:
            self._new_page(0)
            page = 0
        elif self.fills[page] == _PAGE_ROWS:
            page, index = self._split(page, index)
        rows = self.pages[page]
        fill = self.fills[page]
        if index < fill:
            rows[index + 1 : fill + 1] = rows[index:fill]
        rows[index] = address
        self.fills[page] = fill + 1

    def _new_page(self, at):
        self.pages.insert(at, array("I", bytes(4 * _PAGE_ROWS)))
        self.fills.insert(at, 0)

    def _split(self, page, index):
        """Makes room; returns the new position. RowIndex that arrive in order fill their pages."""
        self._new_page(page + 1)
        if index == _PAGE_ROWS:
            return page + 1, 0
        cut = index if index > _PAGE_ROWS * 3 // 4 else _PAGE_ROWS // 2
        self.pages[page + 1][: _PAGE_ROWS - cut] = self.pages[page][cut:]
        self.fills[page] = cut
        self.fills[page + 1] = _PAGE_ROWS - cut
        if index > cut:
            return page + 1, index - cut
        return page, index

    def delete(self, page, index):
        self.version += 1
        self.count -= 1
        rows = self.pages[page]
        fill = self.fills[page] - 1
        if index < fill:
            rows[index:fill] = rows[index + 1 : fill + 1]
        self.fills[page] = fill
        if fill == 0:
            self._drop_page(page)
        elif page + 1 < len(self.pages) and fill + self.fills[page + 1] <= _PAGE_ROWS // 2:
            more = self.fills[page + 1]
            rows[fill : fill + more] = self.pages[page + 1][:more]
            self.fills[page] = fill + more
            self._drop_page(page + 1)

    def _drop_page(self, page):
        del self.pages[page]
        del self.fills[page]

    def step(self, page, index):
        """Brings a position behind the end of its page to the next page. None at the end of the table."""
        if page < 0:
            return None
        if index >= self.fills[page]:
            page, index = page + 1, 0
            if page >= len(self.pages):
                return None
        return page, index

    def append(self, address):
        """Adds behind all others: for loading what is sorted already."""
        page = len(self.pages) - 1
        self.insert(page, self.fills[page] if page >= 0 else 0, address)
