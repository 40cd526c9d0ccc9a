"""What an acknowledgement would say (docs/reference/02-weaver.md §9).

An ack is an intention with empty ops whose deps are the latest content of others that its author has not yet built on.
This node emits none by itself: nobody waits for them and each costs storage on every node. It can say what is
outstanding, and write one when asked.
"""

from ..storage.contract import ZERO


class Outstanding:
    """Content of one author that the own chain does not build on: `tip` its latest, `tip_count` how many intentions
    with content the author has, `acknowledged` how many of them are built on."""

    def __init__(self, author, tip, tip_count, acknowledged):
        self.author = author
        self.tip = tip
        self.tip_count = tip_count
        self.acknowledged = acknowledged


def outstanding(store, own):
    """What `own` has not acknowledged: a list, ascending by author."""
    reached = reached_from(store, own)
    found = []
    for author in sorted(store.authors()):
        if author == own:
            continue
        tip = None
        count = acknowledged = 0
        for position in range(1, store.chain(author)[0] + 1):
            intention = store.get(store.chain_at(author, position))
            if intention.ops_size:
                count += 1
                if position <= reached.get(author, 0):
                    acknowledged += 1
                else:
                    tip = intention.hash
        if tip is not None:
            found.append(Outstanding(author, tip, count, acknowledged))
    return found


def reached_from(store, own):
    """{author: length of the part of its chain that the own tip reaches through store_prev and deps}."""
    reached = {own: store.chain(own)[0]}
    done = {}
    waiting = [own]
    while waiting:
        author = waiting.pop()
        for position in range(done.get(author, 0) + 1, reached[author] + 1):
            for dep in store.get(store.chain_at(author, position)).deps():
                if dep == ZERO:
                    continue
                other, length = store.position(dep)
                if length > reached.get(other, 0):
                    reached[other] = length
                    waiting.append(other)
        done[author] = max(done.get(author, 0), reached[author])
    return reached


def emit(weaver, now_ms):
    """Writes an acknowledgement of all that is outstanding; returns the intention, None when nothing is."""
    deps = [item.tip for item in outstanding(weaver.store, weaver.identity.public)]
    return weaver.submit(b"", deps, now_ms) if deps else None
