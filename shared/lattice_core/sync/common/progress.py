"""What moved on one connection, for progress bars and summaries."""

from ...compat import const

_REFUSED_KEPT = const(32)


class Progress:
    """Counters that only grow. Blobs sent count when the peer has acknowledged them as durable."""

    def __init__(self):
        self.acknowledged = 0  # intentions sent that the peer holds durably now
        self.sent_intentions = self.received_intentions = 0
        self.sent_blobs = self.received_blobs = 0
        self.sent_bytes = self.received_bytes = 0
        self.expected_intentions = 0  # to be received
        self.expected_blobs = self.expected_bytes = 0  # content to be received
        self.wanted_blobs = self.wanted_bytes = 0  # content that the peer still wants from us
        self.refused = []  # (hash, author, reason, True when the peer refused it), at most 32
        self.refused_count = 0
        self.damaged_here = 0  # blobs and intentions of ours that were found damaged; they are wanted again

    def note_refused(self, hash, author, reason, by_peer):
        self.refused_count += 1
        if len(self.refused) < _REFUSED_KEPT:
            self.refused.append((hash, author, reason, by_peer))

    def peer_wants(self, blobs, size):
        self.wanted_blobs += blobs
        self.wanted_bytes += size

    def expect(self, blobs, size):
        self.expected_blobs += blobs
        self.expected_bytes += size

    def gained(self):
        """A number that grows when something new is safe on either side."""
        return self.acknowledged + self.received_intentions + self.sent_blobs + self.received_blobs

    def sent(self):
        """As users see it: {"intentions", "blobs", "bytes"}."""
        return {"intentions": self.sent_intentions, "blobs": self.sent_blobs, "bytes": self.sent_bytes}

    def received(self):
        return {"intentions": self.received_intentions, "blobs": self.received_blobs, "bytes": self.received_bytes}
