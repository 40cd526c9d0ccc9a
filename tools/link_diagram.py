"""Draws the link's state machine from its table into docs/protocol.md, between the two markers there.

python tools/link_diagram.py          writes the file
python tools/link_diagram.py --check  exit status 1 when the file is not what the table says
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "shared"))

from lattice_core.link import states  # noqa: E402 (needs the path above)

PAGE = ROOT / "docs" / "protocol.md"
BEGIN = "<!-- link states: made by tools/link_diagram.py from lattice_core/link/states.py -->"
END = "<!-- end of link states -->"
FIRST = ((states.INITIATOR, states.SEEKING), (states.RESPONDER, states.LISTENING))


def diagram(role: str, first: str) -> str:
    """The Mermaid text of one role; events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for who, state, event, _action, following in states.TABLE:
        if who == role:
            arrows.setdefault((state, following), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in arrows.items()]
    if any(following == states.CLOSED for _, following in arrows):
        lines.append(f"    {states.CLOSED} --> [*]")
    return "\n".join([*lines, "```"])


def section() -> str:
    parts = [f"**{role.capitalize()}**\n\n{diagram(role, first)}" for role, first in FIRST]
    return "\n\n".join([BEGIN, *parts, END])


def page_with_diagram(text: str) -> str:
    start = text.index(BEGIN)
    end = text.index(END) + len(END)
    return text[:start] + section() + text[end:]


def main(arguments: list[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = page_with_diagram(text)
    if arguments == ["--check"]:
        if text != wanted:
            sys.exit("docs/protocol.md does not show the link's table: run python tools/link_diagram.py")
    else:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
