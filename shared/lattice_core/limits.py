"""Every number that a peer can push against, with its reason. Wire limits come from docs/protocol.md."""

from .compat import const

# -- wire limits of the mesh: same on every node, they decide verdicts -------------------------------------
OPS_BYTES = const(1048576)  # length of `ops`, inclusive
DEPS = const(1024)  # causal deps of one intention, inclusive, duplicates counted
FRAME_BYTES = const(8388608)  # one frame on a `lattice-sync/1` stream, inclusive
MESSAGE_DEPTH = const(100)  # nesting of protobuf messages
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
