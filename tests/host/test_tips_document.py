"""docs/protocol.md shows the states of the reconciliation as the code has them."""

import pathlib
import re

from lattice_core.sync.nano import tips

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def test_the_table_in_the_document_is_the_table_in_the_code():
    shown = {}
    rows = re.findall(r"^\| ([IR]) \| (\w+) \| ([\w()]+) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    for role, state, message, following in rows:
        names = re.sub(r"\([^)]*\)", "", following).replace(",", " ").split()
        shown[role, state, "-" if message == "(begins)" else message] = set(names)
    assert shown == {rule: set(following) for rule, (_, following) in tips.TABLE.items()}
