"""The states of a store session between Nano peers: two coupled halves, each a table, and what both are together.

Actions are methods of `StoreSession` (session.py), which runs the rows. The diagrams in docs/protocol.md are drawn from
this file (tools/state_diagrams.py). Who compares what before is a table of its own (tips.py): here it is COMPARING.

Rules:
- SENDING is what we give. It begins with the plan, and the peer's FIN ends it. The peer has the last word there: it
  says that all is durable (Done), and what came of its pulling (Content).
- RECEIVING is what we take. It begins with the plan, and our FIN ends it. There the last word is ours.
- Of nothing sent nothing is said: who was sent no intention says no Done, and Content only if it pulls.
- A peer's event that has no row breaks the rules and ends the session. An event of our own always has a row.
- Either half may lag. FIN goes as soon as we have nothing more to say, also before the peer's last word. In a live
  session it waits until the opener ends the session, and both halves go on where they stand.
"""

from ...compat import const

# -- the halves ----------------------------------------------------------------------------------------------------
SENDING = const("sending")
RECEIVING = const("receiving")

# -- states of both ------------------------------------------------------------------------------------------------
COMPARING = const("comparing")  # the tips are being compared

# -- states of SENDING ---------------------------------------------------------------------------------------------
GIVING = const("giving")  # what the plan says goes out
SENT = const("sent")  # our Sent went out: the peer's Done is awaited
AWAITING = const("awaiting")  # the peer's last word on content is awaited
UNASKED = const("unasked")  # nothing was sent: the peer need not say a word
ANSWERED = const("answered")  # the peer has said its last word
ENDED = const("ended")  # the peer's FIN has come

# -- states of RECEIVING -------------------------------------------------------------------------------------------
RETRYING = const("retrying")  # our Retry is on its way: what was sent before it arrives is passed over
TAKING = const("taking")  # intentions come
STORING = const("storing")  # the peer's Sent has come: Done waits until all is durable
LOOKING = const("looking")  # all is durable: what is lacking of its content?
PULLING = const("pulling")  # content is pulled on a stream of its own
COMPLETE = const("complete")  # we have said our last word
PULLING_MORE = const("pulling more")  # live: content of what has come since
FINISHED = const("finished")  # our FIN went out

# -- events --------------------------------------------------------------------------------------------------------
RESTART = const("restart")  # the comparison begins, or begins anew
RETRY = const("retry")  # we ask to begin anew
PLANNED = const("planned")  # both sides know what they lack
EQUAL = const("equal")  # both hold the same
GIVEN = const("given")  # all of the plan is on its way
NOTHING = const("nothing")  # the plan was empty
DONE = const("done")  # the peer's Done: all is durable there, and content is lacking
WHOLE_DONE = const("done, whole")  # the peer's Done, and it lacks no content
PULLS = const("pulls")  # the peer's Content that says what it will ask for
CONTENT = const("content")  # the peer's Content that says what came of it
FIN = const("fin")  # the peer's
ITEM = const("item")  # an intention
ALL = const("all")  # the peer's Sent
DURABLE = const("durable")  # all that was received is on the medium
LACKING = const("lacking")  # content that intentions name is not here
WHOLE = const("whole")  # no content is lacking
UNLOOKED = const("unlooked")  # content is not asked of this peer
PULLED = const("pulled")  # what the peer holds of it is here
FINISH = const("finish")  # nothing more is to be said: see JOINT

# (half, state, event, action, next state). Constants all the way down: on the stick the table lies in flash.
TABLE = (
    (RECEIVING, TAKING, ITEM, "", TAKING),  # first: there are thousands
    (SENDING, COMPARING, RESTART, "", COMPARING),
    (SENDING, COMPARING, PLANNED, "", GIVING),
    (SENDING, COMPARING, EQUAL, "", UNASKED),
    (SENDING, GIVING, RESTART, "", COMPARING),
    (SENDING, GIVING, GIVEN, "_say_sent", SENT),
    (SENDING, GIVING, NOTHING, "_say_sent", UNASKED),
    (SENDING, SENT, RESTART, "", COMPARING),
    (SENDING, SENT, DONE, "_hear_done", AWAITING),
    (SENDING, SENT, WHOLE_DONE, "_hear_done", ANSWERED),
    (SENDING, AWAITING, PULLS, "_hear_pulls", AWAITING),
    (SENDING, AWAITING, CONTENT, "_hear_content", ANSWERED),
    (SENDING, UNASKED, RESTART, "", COMPARING),
    (SENDING, UNASKED, PULLS, "_hear_pulls", AWAITING),
    (SENDING, UNASKED, CONTENT, "_hear_content", ANSWERED),
    (SENDING, UNASKED, FIN, "", ENDED),
    (SENDING, ANSWERED, PULLS, "_hear_pulls", ANSWERED),
    (SENDING, ANSWERED, CONTENT, "_hear_content", ANSWERED),
    (SENDING, ANSWERED, FIN, "", ENDED),
    (RECEIVING, COMPARING, RESTART, "", COMPARING),
    (RECEIVING, COMPARING, RETRY, "", RETRYING),
    (RECEIVING, COMPARING, PLANNED, "", TAKING),
    (RECEIVING, COMPARING, EQUAL, "_say_waiting", LOOKING),
    (RECEIVING, RETRYING, RESTART, "", COMPARING),
    (RECEIVING, RETRYING, ITEM, "", RETRYING),
    (RECEIVING, TAKING, RESTART, "", COMPARING),
    (RECEIVING, TAKING, ALL, "_hear_sent", STORING),
    (RECEIVING, STORING, RESTART, "", COMPARING),
    (RECEIVING, STORING, ITEM, "_check_live", STORING),
    (RECEIVING, STORING, DURABLE, "_say_done", LOOKING),
    (RECEIVING, LOOKING, ITEM, "_check_live", LOOKING),
    (RECEIVING, LOOKING, LACKING, "_begin_pull", PULLING),
    (RECEIVING, LOOKING, WHOLE, "", COMPLETE),
    (RECEIVING, LOOKING, UNLOOKED, "_say_unlooked", COMPLETE),
    (RECEIVING, PULLING, ITEM, "_check_live", PULLING),
    (RECEIVING, PULLING, PULLED, "_end_pull", COMPLETE),
    (RECEIVING, COMPLETE, ITEM, "_check_live", COMPLETE),
    (RECEIVING, COMPLETE, LACKING, "_begin_pull", PULLING_MORE),
    (RECEIVING, COMPLETE, WHOLE, "", COMPLETE),
    (RECEIVING, COMPLETE, FINISH, "_say_fin", FINISHED),
    (RECEIVING, PULLING_MORE, ITEM, "_check_live", PULLING_MORE),
    (RECEIVING, PULLING_MORE, PULLED, "_end_pull", COMPLETE),
    (RECEIVING, FINISHED, ITEM, "_check_live", FINISHED),
)

# -- what both halves together are ---------------------------------------------------------------------------------
UNDER_WAY = const("under way")  # whatever is not in JOINT
SAID = const("said")  # we have said all, the peer has not: FINISH unless live
IN_STEP = const("in step")  # both sides have what the other had at the beginning: FINISH from COMPLETE, unless live
LEFT = const("left")  # the peer has ended the session: FINISH
OVER = const("over")  # FIN went both ways

# (SENDING, RECEIVING, the session)
JOINT = (
    (SENT, COMPLETE, SAID),
    (AWAITING, COMPLETE, SAID),
    (UNASKED, COMPLETE, IN_STEP),
    (ANSWERED, COMPLETE, IN_STEP),
    (ENDED, COMPLETE, LEFT),
    (UNASKED, PULLING_MORE, IN_STEP),
    (ANSWERED, PULLING_MORE, IN_STEP),
    (ENDED, PULLING_MORE, IN_STEP),
    (UNASKED, FINISHED, IN_STEP),
    (ANSWERED, FINISHED, IN_STEP),
    (ENDED, FINISHED, OVER),
)

# -- sets of states ------------------------------------------------------------------------------------------------
HELD = (AWAITING, UNASKED, ANSWERED, ENDED)  # the peer holds what was sent, or has refused it
HEARD = (STORING, LOOKING, PULLING, COMPLETE, PULLING_MORE, FINISHED)  # all that the peer had has come
IDLE = (LOOKING, COMPLETE)  # nothing is being pulled
SETTLED = (IN_STEP, LEFT, OVER)


def row(half: str, state: str, event: str) -> "tuple[str, str] | None":
    """(action or "", next state), or None when the event breaks the rules in that state."""
    for which, where, what, action, following in TABLE:
        if what == event and where == state and which == half:
            return action, following
    return None


def joint(sending: str, receiving: str) -> str:
    """What the session is when its halves are in these states."""
    for left, right, both in JOINT:
        if left == sending and right == receiving:
            return both
    return UNDER_WAY
