"""The version exchange of one link: what it says, what it heard, and the session that follows from both Hellos."""

from ..text import printable_bytes
from . import hello
from .packet import check_holds, session_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..seams import Crypto


class VersionExchange:
    """`epoch` is the number under which we want the next session, 0 when we want none; drawn when first said.

    A number is used for one session only: `begun` forgets it.
    """

    def __init__(self, crypto: "Crypto", initiator: bool, parameters: hello.TransportParameters, packet_bytes: int):
        self._crypto = crypto
        self._initiator = initiator
        self.packet_bytes = packet_bytes
        self._collector = hello.Collector()
        self.parameters = parameters
        self.epoch = 0
        self.peer_epoch = 0
        self.peer_parameters = parameters  # of the Hello last heard
        self._peer_body = b""
        self._offered: int | None = None  # number of the session that a packet may begin (responder)
        self.parts = []  # packets of a Hello that wait to be sent

    def take(self, packet):
        """(epoch, echo, body) when this packet of the pipe completes a Hello, else None."""
        return self._collector.take(packet)

    def note(self, epoch, body, parameters):
        self.peer_epoch = epoch
        self._peer_body = body
        self.peer_parameters = parameters

    def say(self, echo, in_session):
        if self.epoch == 0:
            self.epoch = int.from_bytes(self._crypto.random(4), "little") or 1
        body = hello.encode_body(self.parameters, in_session)
        self.parts = hello.parts(self.epoch, echo, body, self.packet_bytes)

    def answer(self, in_session, offer):
        """Answers the Hello last heard. With `offer` the first packet of the session of both may follow."""
        self.say(self.peer_epoch, in_session)
        self._offered = self.number() if offer else None

    def begins(self, packet, length):
        """True when the packet is an intact one of the session that was offered."""
        return self._offered is not None and check_holds(packet, length, self._offered)

    def number(self):
        """The session's number."""
        if self._initiator:
            return session_number(self.epoch, self.peer_epoch)
        return session_number(self.peer_epoch, self.epoch)

    def prologue(self):
        """What the handshake binds: both Hellos, the initiator's first."""
        mine = hello.prologue_part(self.epoch, hello.encode_body(self.parameters, False))
        theirs = hello.prologue_part(self.peer_epoch, self._peer_body)
        return mine + theirs if self._initiator else theirs + mine

    def begun(self):
        """The session of these two Hellos began."""
        self.epoch = 0
        self._offered = None
        self.parts = []

    def agrees_with(self, parameters):
        return hello.agreed_version(self.parameters, parameters) > 0

    def disagreement(self):
        words = "the other side (%s) speaks versions %d to %d of the link, this one (%s) %d to %d: update the older one"
        mine = self.parameters
        theirs = self.peer_parameters
        return words % (
            printable_bytes(theirs.firmware), theirs.lowest, theirs.highest,
            printable_bytes(mine.firmware), mine.lowest, mine.highest,
        )  # fmt: skip
