"""Authors of one store and the ends of their witnessed chains. 10 bytes of heap an author.

Author keys are not in RAM but for a few used last: the key is read from the chain's newest intention.
"""

from .hash_index import prefix_of

_PAGE_ROWS = 8
_CACHED = 64


class Chains:
    def __init__(self, author_of, index):
        self.author_of = author_of  # witness sequence -> author, from flash
        self.rows = index(_PAGE_ROWS)  # address: sequence of the tip; tag: length
        self.clear()

    def clear(self):
        self.rows.clear()
        self._numbers = {}
        self._authors = {}

    def count(self):
        return self.rows.count

    def number(self, author):
        """Number of an author's chain, in order of first appearance; -1 when there is none."""
        number = self._numbers.get(author, -1)
        if number >= 0:
            return number
        prefix = prefix_of(author)
        number = self.rows.find(prefix)
        while number >= 0 and self.author_of(self.rows.address(number)) != author:
            number = self.rows.find(prefix, number + 1)
        if number >= 0:
            self._remember(number, author)
        return number

    def author(self, number):
        author = self._authors.get(number)
        if author is None:
            author = self.author_of(self.rows.address(number))
            self._remember(number, author)
        return author

    def _remember(self, number, author):
        if len(self._numbers) >= _CACHED:
            self._numbers.clear()
            self._authors.clear()
        self._numbers[author] = number
        self._authors[number] = author

    def tip(self, number):
        """Witness sequence of the chain's newest intention."""
        return self.rows.address(number)

    def length(self, number):
        return self.rows.tag(number)

    def advance(self, author, sequence):
        """The author's chain grows by one; returns its number."""
        number = self.number(author)
        if number < 0:
            number = self.rows.append(sequence, prefix_of(author), 1)
            self._remember(number, bytes(author))
        else:
            self.rows.set(number, sequence, prefix_of(author), self.rows.tag(number) + 1)
        return number

    def newest(self, count):
        """Numbers of the chains whose tips are newest, newest first."""
        rows = self.rows
        found = []  # the best so far, newest first: a list of all would take 40 bytes of heap each
        for number in range(rows.count):
            address = rows.address(number)
            at = len(found)
            while at and rows.address(found[at - 1]) < address:
                at -= 1
            if at < count:
                found.insert(at, number)
                if len(found) > count:
                    found.pop()
        return found
