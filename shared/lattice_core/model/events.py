"""Events of a store: tuples (kind, store id, …), kept in a list until somebody takes them.

`machines` and `weaver` say which kinds they emit and what the rest of each tuple is.
"""

from ..compat import const

EVENTS = const(64)  # kept until somebody takes them, 200 bytes each; after that one mark says that some were lost


def note_event(events: "list[tuple]", event: tuple) -> None:
    """Appends an event to a list of bounded length; the last place is for the mark ("lost", store id)."""
    count = len(events)
    if count < EVENTS:
        events.append(event)
    elif count == EVENTS:
        events.append(("lost", event[1]))
