"""Draws the state machines from their tables into docs/protocol.md, between the markers there.

python tools/state_diagrams.py          writes the file
python tools/state_diagrams.py --check  exit status 1 when the file is not what the tables say
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "shared"))

from lattice_core.link import states as link  # noqa: E402 (needs the path above)
from lattice_core.sync.nano import session_states as session  # noqa: E402

PAGE = ROOT / "docs" / "protocol.md"
MARKS = {
    "link": "<!-- link states: made by tools/state_diagrams.py from lattice_core/link/states.py -->",
    "session": "<!-- session states: made by tools/state_diagrams.py from lattice_core/sync/nano/session_states.py -->",
}
END = "<!-- end of %s states -->"
LINK_FIRST = ((link.INITIATOR, link.SEEKING), (link.RESPONDER, link.LISTENING))
SESSION_LAST = ((session.SENDING, session.ENDED), (session.RECEIVING, session.FINISHED))


def diagram(rows: list[tuple[str, str, str]], first: str, last: str) -> str:
    """The Mermaid text of rows (state, event, next state); events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, event, following in rows:
        arrows.setdefault((_name(state), _name(following)), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in arrows.items()]
    if any(end == last for _, end in arrows):
        lines.append(f"    {last} --> [*]")
    return "\n".join([*lines, "```"])


def _name(state: str) -> str:
    return state.replace(" ", "_")


def link_section() -> list[str]:
    """One diagram for each role."""
    parts = []
    for role, first in LINK_FIRST:
        rows = [(state, event, following) for who, state, event, _, following in link.TABLE if who == role]
        parts.append(f"**{role.capitalize()}**\n\n{diagram(rows, first, link.CLOSED)}")
    return parts


def session_section() -> list[str]:
    """One diagram for each half, then what both are together."""
    parts = []
    for half, last in SESSION_LAST:
        rows = [(state, event, following) for which, state, event, _, following in session.TABLE if which == half]
        parts.append(f"**{half.capitalize()}**\n\n{diagram(rows, session.COMPARING, last)}")
    lines = ["| sending | receiving | the session is |", "|---|---|---|"]
    lines += [f"| {sending} | {receiving} | {both} |" for sending, receiving, both in session.JOINT]
    lines.append(f"| otherwise | | {session.UNDER_WAY} |")
    parts.append("**Both**\n\n" + "\n".join(lines))
    return parts


SECTIONS = {"link": link_section, "session": session_section}


def section(name: str) -> str:
    """What stands between the markers of one machine, with them."""
    return "\n\n".join([MARKS[name], *SECTIONS[name](), END % name])


def page_with_diagrams(text: str) -> str:
    """The page with every diagram as its table gives it."""
    for name in SECTIONS:
        start = text.index(MARKS[name])
        end = text.index(END % name) + len(END % name)
        text = text[:start] + section(name) + text[end:]
    return text


def main(arguments: list[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = page_with_diagrams(text)
    if arguments == ["--check"]:
        if text != wanted:
            sys.exit("docs/protocol.md does not show the tables of states: run python tools/state_diagrams.py")
    else:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
