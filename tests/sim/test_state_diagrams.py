"""The diagrams in docs/protocol.md are those that the tables give, and the tables hold together."""

from lattice_core.link import states
from lattice_core.sync.nano import session_states as session
from lattice_core.sync.nano.session import StoreSession
from tool_module import tool


def test_the_page_shows_the_tables():
    diagram = tool("state_diagrams")
    text = diagram.PAGE.read_text(encoding="utf-8")
    assert diagram.page_with_diagrams(text) == text, "run python tools/state_diagrams.py"


def test_every_row_is_in_the_diagram():
    tables = {"link": states.TABLE, "session": session.TABLE}
    for name, table in tables.items():
        section = tool("state_diagrams").section(name).splitlines()
        for _which, state, event, _action, following in table:
            start = "    %s --> %s:" % (state.replace(" ", "_"), following.replace(" ", "_"))
            arrow = [line for line in section if line.startswith(start)]
            assert any(event in line for line in arrow), (name, state, event, following)


def test_a_session_has_one_row_for_each_event_of_a_state():
    keys = [(half, state, event) for half, state, event, _action, _following in session.TABLE]
    assert len(set(keys)) == len(keys)


def test_the_actions_of_a_session_are_there():
    for _half, _state, _event, action, _following in session.TABLE:
        assert not action or callable(getattr(StoreSession, action)), action


def test_every_state_of_a_half_is_reached_and_left_but_the_last():
    last = {session.SENDING: {session.ENDED}, session.RECEIVING: {session.FINISHED}}
    for half in last:
        rows = [(state, following) for which, state, _event, _action, following in session.TABLE if which == half]
        reached = {session.COMPARING} | {following for _, following in rows}
        assert {state for state, _ in rows} | last[half] == reached, half
        assert {state for state, following in rows if following != state} == reached - last[half], half


def test_a_session_that_has_said_all_is_something_together():
    """Once our half is complete and the peer has the plan, JOINT says what is due: nothing can wait for ever unseen."""
    behind = {session.SENT, session.AWAITING, session.UNASKED, session.ANSWERED, session.ENDED}
    assert {sending for sending, receiving, _ in session.JOINT if receiving == session.COMPLETE} == behind
