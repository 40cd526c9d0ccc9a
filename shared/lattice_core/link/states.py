"""The link's state machine: one table for both roles. Everything that changes a link's `state` is a row of it.

Actions are methods of `Link` (link.py), which runs the rows. The diagram in docs/protocol.md is drawn from this file
(tools/state_diagrams.py).

Rules:
- The initiator (a host) speaks first: it says Hello with growing pauses until somebody answers, for as long as
  its caller keeps the link. The responder (a stick) is silent until it hears a Hello.
- A session belongs to a pair of epochs, one from each Hello. The responder leaves its old session only for a packet
  that proves that the initiator knows the new epoch; the initiator only for a Hello that answers its own question and
  says that the responder is in no session. So a replayed or late Hello moves nobody.
- Nothing that a peer sends raises. What breaks the rules ends the session, in words, at one place: `Link._take`.
- A responder never closes for good, whoever closes and why: it lives as long as its power. Every way out of a session
  leads back to LISTENING, and each of its other states ends by time. An initiator closes when trying again cannot help.
"""

from ..compat import const

# -- states ------------------------------------------------------------------------------------------------------
SEEKING = const("seeking")  # initiator: says Hello until it is answered
LISTENING = const("listening")  # responder: waits for a Hello and for the first packet of a session
STARTING = const("starting")  # responder: a session began, its first handshake message is on its way
PROVING = const("proving")  # waits for the message that proves who the other side is
OPEN = const("open")  # `connection` exists
CLOSING = const("closing")  # our reason for closing is on its way
CLOSED = const("closed")  # initiator: for good; `closed` says why

# -- events ------------------------------------------------------------------------------------------------------
ANSWERED = const("answered")  # a Hello that answers ours, versions agree
RESTARTED = const("restarted")  # the same while a session is on: the other side has lost it
ASKED = const("asked")  # a Hello that wants an answer
SESSION = const("session")  # an intact packet of the session that we offered in a Hello
MESSAGE = const("message")  # a message of the handshake
INCOMPATIBLE = const("incompatible")  # a Hello without a version that we speak
IMPOSTOR = const("impostor")  # the proof of identity is wrong, or the identity is our own
FAULT = const("fault")  # the other side broke the rules of the session
SILENCE = const("silence")  # nothing intact was heard for too long
PEER_CLOSED = const("peer closed")  # the other side closed the connection, with a reason
CLOSE = const("close")  # our caller closes
ARRIVED = const("arrived")  # our reason for closing has arrived, or was not acknowledged in time

# Constants all the way down: on the stick the table lies in flash.
INITIATOR = const("initiator")
RESPONDER = const("responder")

# (role, state, event, action, next state). What is not here means nothing in that state.
TABLE = (
    (INITIATOR, SEEKING, ANSWERED, "_begin", PROVING),
    (INITIATOR, SEEKING, INCOMPATIBLE, "_finish", CLOSED),
    (INITIATOR, SEEKING, CLOSE, "_finish", CLOSED),
    (INITIATOR, PROVING, MESSAGE, "_answer_proof", OPEN),
    (INITIATOR, PROVING, RESTARTED, "_begin", PROVING),
    (INITIATOR, PROVING, IMPOSTOR, "_finish", CLOSED),
    (INITIATOR, PROVING, FAULT, "_leave", SEEKING),
    (INITIATOR, PROVING, SILENCE, "_leave", SEEKING),
    (INITIATOR, PROVING, CLOSE, "_finish", CLOSED),
    (INITIATOR, OPEN, RESTARTED, "_begin", PROVING),
    (INITIATOR, OPEN, FAULT, "_leave", SEEKING),
    (INITIATOR, OPEN, SILENCE, "_leave", SEEKING),
    (INITIATOR, OPEN, PEER_CLOSED, "_hear_close", CLOSED),
    (INITIATOR, OPEN, CLOSE, "_say_close", CLOSING),
    (INITIATOR, CLOSING, ARRIVED, "_finish", CLOSED),
    (INITIATOR, CLOSING, FAULT, "_finish", CLOSED),
    (RESPONDER, LISTENING, ASKED, "_offer", LISTENING),
    (RESPONDER, LISTENING, INCOMPATIBLE, "_decline", LISTENING),
    (RESPONDER, LISTENING, SESSION, "_begin", STARTING),
    (RESPONDER, STARTING, ASKED, "_offer", STARTING),
    (RESPONDER, STARTING, SESSION, "_begin", STARTING),
    (RESPONDER, STARTING, MESSAGE, "_send_proof", PROVING),
    (RESPONDER, STARTING, FAULT, "_leave", LISTENING),
    (RESPONDER, STARTING, SILENCE, "_leave", LISTENING),
    (RESPONDER, STARTING, CLOSE, "_leave", LISTENING),
    (RESPONDER, PROVING, ASKED, "_offer", PROVING),
    (RESPONDER, PROVING, SESSION, "_begin", STARTING),
    (RESPONDER, PROVING, MESSAGE, "_check_proof", OPEN),
    (RESPONDER, PROVING, IMPOSTOR, "_leave", LISTENING),
    (RESPONDER, PROVING, FAULT, "_leave", LISTENING),
    (RESPONDER, PROVING, SILENCE, "_leave", LISTENING),
    (RESPONDER, PROVING, CLOSE, "_leave", LISTENING),
    (RESPONDER, OPEN, ASKED, "_offer", OPEN),
    (RESPONDER, OPEN, SESSION, "_begin", STARTING),
    (RESPONDER, OPEN, FAULT, "_leave", LISTENING),
    (RESPONDER, OPEN, SILENCE, "_leave", LISTENING),
    (RESPONDER, OPEN, PEER_CLOSED, "_hear_close", LISTENING),
    (RESPONDER, OPEN, CLOSE, "_say_close", CLOSING),
    (RESPONDER, CLOSING, ARRIVED, "_leave", LISTENING),
    (RESPONDER, CLOSING, FAULT, "_leave", LISTENING),
)


def row(role, state, event):
    """(action, next state), or None when the event means nothing in that state."""
    for who, where, what, action, following in TABLE:
        if what == event and where == state and who == role:
            return action, following
    return None
