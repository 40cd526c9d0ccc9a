"""Every number that a peer can push against, with its reason. Wire limits come from docs/protocol.md."""

from .compat import const

# -- wire limits of the mesh: same on every node, they decide verdicts -------------------------------------
OPS_BYTES = const(1048576)  # length of `ops`, inclusive
DEPS = const(1024)  # causal deps of one intention, inclusive, duplicates counted
FRAME_BYTES = const(8388608)  # one frame on a `lattice-sync/1` stream, inclusive
MESSAGE_DEPTH = const(100)  # nesting of protobuf messages
MESSAGE_PIECES = const(64)  # pieces of one singular message that are joined (docs/differences.md, "Pieces of a batch")
BASE58_CHARACTERS = const(2048)  # decoding is quadratic in the length
INTENTION_BYTES = const(1081445)  # 101 + 32 * DEPS + OPS_BYTES

# -- memory: what is held whole and what streams -------------------------------------------------------------
# Larger intentions and blobs go to storage as they arrive: a heap with holes has no 16 KiB in one piece.
BODY_IN_MEMORY_BYTES = const(4096)
BATCH_BYTES = const(16384)  # one durable commit; writes on a stick have smaller ones (docs/protocol.md, "Batches")
ROWS_TO_OPS = const(16)  # rows have at most about this many times the bytes of the ops that make them
BATCH_MS = const(500)  # a commit is never older than this

# -- floating intentions: bounded, what a peer listed as witnessed is never evicted -----------------------
FLOATING_ITEMS = const(256)
FLOATING_BYTES = const(262144)
FLOATING_ITEMS_ROOMY = const(32768)  # on a computer: what was missed comes in the order of hashes, and floats
FLOATING_BYTES_ROOMY = const(67108864)
REFUSED_ITEMS = const(64)  # remembered refused hashes per store

# -- clocks ----------------------------------------------------------------------------------------------
MAX_DRIFT_MS = const(3600000)  # stamps further ahead are accepted but do not drag the own clock

# -- one connection: how much a peer may ask for, open or get wrong ---------------------------------------
ANSWER_MS = const(15000)  # without anything moving on the whole connection
PACE_MS = const(120000)  # while something is under way ...
PACE_BYTES = const(2048)  # ... so much moves in that time, or the connection is closed: it would keep all else waiting
STREAMS_IN = const(16)  # of the peer at once; more wait
STREAMS_OUT = const(64)  # opened by this side and not over
STREAMS_GRANTED = const(1024)  # that the other side allows us, as far as we count
CREDIT_BYTES = const(0x1000000)  # of a stream: 16 MiB, nobody has such a window
FAULTS = const(8)  # broken rules or refused requests, then the connection is closed
PACKETS_FORGED = const(256)  # packets with a right checksum and a wrong tag: somebody is on the line
REQUESTS_QUEUED = const(64)  # for blobs, of one puller, at the server
JOIN_SECRET_BYTES = const(64)  # the longest that is looked at; ours have 32

# -- one session of a store -------------------------------------------------------------------------------
CHAIN_POSITION = const(281474976710656)  # the longest chain that is spoken of
TIPS_MESSAGES = const(16)  # of the peer per exchange, `more` not counted
TIPS_CONTINUED = const(1024)  # continued Tips per exchange: 65,536 chains take 230
TIPS_RETRIES = const(2)  # of a comparison that did not come out even
RANGE_ITEMS = const(2048)  # hashes of one range: a longer list is refused, never cut short
RECONCILE_PAYLOADS = const(600)  # payloads of the peer; halving 2^256 to single hashes takes 256 each
RECONCILE_RANGES = const(8192)  # of one payload; the others are found next time
RECONCILE_REPLY_BYTES = const(4194304)  # of one payload, about
MESSAGES_IGNORED = const(1000)  # in a session: messages that mean nothing here, keep-alives too
