"""Who has written two histories, and whose writes wait for one that is not here: in words."""

from lattice_core.text import printable

from .output import count_text, say, size_text


def who(item):
    """The author of something, for people."""
    return printable(item["author_name"]) or item["author"][:8] or "somebody"


def waiting_text(item, forkers, where):
    """One author's writes that wait; `forkers`: names of those whose other history they may build on."""
    on = "the other history of %s" % " or ".join(forkers) if forkers else "a write that is not there"
    return "%s of %s (%s) cannot be taken in %s: what they build on is %s (%s)" % (
        count_text(item["intentions"], "write"),
        who(item),
        size_text(item["bytes"]),
        where,
        on,
        item["for"][:16],
    )


def show_waiting(waiting, forks, indent):
    """What waits in a store here, and for whom."""
    for item in waiting:
        say(indent + waiting_text(item, [who(fork) for fork in forks], "here"))
