"""Who has written two histories, and whose writes wait for one that is not here: as rows, and in words."""

from lattice_core.text import printable

from .output import count_text, say, size_text


def member_name(node, key):
    """The name of an author, this node included; "" when none is known."""
    return node.name if key == node.identity.public else node.peer_name(key)


def who(item):
    """The author of something, for people."""
    return printable(item["author_name"]) or item["author"][:8] or "somebody"


def read_only(node):
    """Why this node may write nothing in any store, in words, or None."""
    forked = [handle.weaver.read_only for handle in node.stores if handle.weaver.own_chain_is_forked()]
    return forked[0] if forked else None


def waiting_rows(node, waiting):
    """Rows of what waits, by author, from `Weaver.waiting`."""
    return [
        {
            "author": author.hex(),
            "author_name": member_name(node, author),
            "intentions": count,
            "bytes": size,
            "for": blocker.hex(),
        }
        for author, count, size, blocker in waiting
    ]


def fork_rows(node, handle):
    """Rows of the authors of whom there is evidence here."""
    return [
        {"author": author.hex(), "author_name": member_name(node, author), "kept": kept.hex(), "other": other.hex()}
        for author, kept, other, _ in handle.weaver.forks()
    ]


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
