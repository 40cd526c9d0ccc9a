"""The index structures of the flash storage against plain Python. Runs on the stick's interpreter."""

from array import array

from lattice_flash import columns
from lattice_flash.hash_index import HashIndex
from lattice_flash.layout import EMPTY
from lattice_flash.row_index import RowIndex
from support import Rng, index_rules


def _find(column, value, start, end, nth):
    hits = [i for i in range(start, end) if column[i] == value]
    return hits[nth] if nth < len(hits) else -1 - len(hits)


def test_column_find_agrees_with_its_meaning():
    rng = Rng(3)
    for kind, most in (("H", 65535), ("I", EMPTY)):
        column = array(kind, [rng.choice((0, 1, 7, most)) for _ in range(40)])
        for _ in range(300):
            start = rng.below(41)
            end = start + rng.below(41 - start)
            value = rng.choice((0, 1, 7, most, 5))
            nth = rng.below(6)
            assert columns.column_find(column, value, start, end, nth) == _find(column, value, start, end, nth)


def test_items_against_a_list():
    index_rules.check_items(HashIndex(8))


def test_keys_against_a_sorted_list():
    rng = Rng(5)
    names = {}
    keys = RowIndex(names.get)
    model = []
    for step in range(1500):
        key = b"%05d" % (step if step < 400 else rng.below(1200))
        page, index, found = keys.find(key)
        assert found == (key in model)
        if not found:
            names[step] = key
            keys.insert(page, index, step)
            model.append(key)
        elif rng.below(2) or step > 1000:
            keys.delete(page, index)
            model.remove(key)
    assert _walk(keys, names) == sorted(model)
    assert keys.count == len(model)
    assert sum(keys.fills) == len(model)
    assert 0 not in keys.fills


def _walk(keys, names):
    seen = []
    position = (0, 0)
    while True:
        position = keys.step(*position)
        if position is None:
            return seen
        seen.append(names[keys.address(*position)])
        position = (position[0], position[1] + 1)
