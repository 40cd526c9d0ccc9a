"""Numbers that are spoken for (docs/storage.md) are taken by nobody else."""

import pytest

from lattice_core.files import contents
from lattice_core.node import replication_state
from lattice_core.storage.contract import TABLES
from lattice_core.wire.nano_messages import NanoFrame, Open, Tips
from lattice_flash import layout, records


@pytest.mark.parametrize(("message", "reserved"), [(NanoFrame, range(26, 34)), (Open, [9]), (Tips, [12])])
def test_messages_leave_them_free(message, reserved):
    assert {field.number for field in message.rows}.isdisjoint(reserved)


def test_records_leave_them_free():
    kinds = {value for name, value in vars(layout).items() if name.isupper() and isinstance(value, int)}
    assert kinds >= set(records._TABLE)
    assert set(records._TABLE).isdisjoint(range(13, 19))
    assert layout.KINDS > 18


def test_tables_leave_the_letter_of_graves_free():
    assert ord("g") not in TABLES


def test_rows_about_content_leave_their_prefix_free():
    prefixes = [value for room in (contents, replication_state) for value in vars(room).values()]
    used = {value for value in prefixes if isinstance(value, bytes) and len(value) == 1}
    assert used
    assert b"k" not in used
