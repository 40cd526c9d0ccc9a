"""The diagram in docs/protocol.md is the one that the table gives."""

import importlib.util
from pathlib import Path

from lattice_core.link import states

ROOT = Path(__file__).resolve().parents[2]


def tool():
    spec = importlib.util.spec_from_file_location("link_diagram", ROOT / "tools" / "link_diagram.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_table():
    diagram = tool()
    text = diagram.PAGE.read_text(encoding="utf-8")
    assert diagram.page_with_diagram(text) == text, "run python tools/link_diagram.py"


def test_every_row_is_in_the_diagram():
    section = tool().section()
    for _role, state, event, _action, following in states.TABLE:
        arrow = [line for line in section.splitlines() if line.startswith("    %s --> %s:" % (state, following))]
        assert any(event in line for line in arrow), (state, event, following)
