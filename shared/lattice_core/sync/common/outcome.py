"""What a sync came to: the one place that decides whether it was complete, from all the ways in which it may not be."""

from ...compat import const

FORKS_NAMED = const(64)  # in the outcome of one session


class Outcome:
    """How a store's session ended. Counts are of this session; what stays the same on both sides counts every time.

    `waiting_here`, `waiting_there`: (author, intentions, bytes, hash that the first of them waits for) of what is held
    and not witnessed, because what it builds on is not there.
    """

    def __init__(self, handle):
        self.store_id = handle.id
        self.ended = False  # in order, with everything that was sent acknowledged by whom it was sent to
        self.unfit = []  # (path, size) of what found no room on either side
        self.unfit_there = 0  # so many of them, the last, at the peer
        self.unfit_count = 0
        self.room_there = 0  # bytes that content may still take there, as far as it has told
        self.missing = 0  # blobs wanted here that the peer does not hold
        self.missing_there = 0  # blobs wanted there that are not here
        self.forks = []  # authors whose chains differ on the two sides
        self.damaged = []  # paths of which the peer holds a piece that is damaged, as far as they are named
        self.damaged_here = 0  # intentions that cannot be given: damaged here, or behind such a one in its chain
        self.withheld = 0  # intentions that the peer holds and cannot give: damaged, or it knows not to whom
        self.damaged_count = 0  # pieces of content that one side holds damaged
        self.refused_here = 0  # intentions, those too that follow a refused one in its chain
        self.refused_there = 0  # the same, where the chain is known that they are in
        self.not_sent = 0  # intentions that the peer listed and then did not send
        self.held = 0  # the peer holds every intention up to this sequence of our log, as far as this session showed
        self.again = False  # another session brings what this one has refused
        self.unheld = 0  # own writes that the peer is not known to hold
        self.waiting_here = []
        self.waiting_there = []

    @property
    def complete(self):
        """True when both sides hold and have taken in everything that either had, and all content that it names."""
        return (
            self.ended
            and not (self.unfit_count or self.missing or self.missing_there)
            and not (self.refused_here or self.refused_there or self.not_sent or self.unheld)
            and not (self.damaged_count or self.damaged_here or self.withheld)
            and not (self.forks or self.waiting_here or self.waiting_there)
        )

    def has_all_of(self, own):
        """True when the peer has given everything of the chain of `own` that it holds: nothing of it is elsewhere."""
        waits = [author for author, _, _, _ in self.waiting_here]
        given = self.ended and not (self.refused_here or self.not_sent or self.withheld)
        return given and own not in self.forks and own not in waits

    def note_damaged(self, count, paths=()):
        self.damaged_count += count
        self.damaged.extend([path for path in paths if path not in self.damaged])

    def note_fork(self, author):
        """True when it was not noted before."""
        if len(self.forks) >= FORKS_NAMED or author in self.forks:
            return False
        self.forks.append(author)
        return True
