"""The messages that only Nano nodes exchange, on `lattice-nano/1` (docs/protocol.md). Never sent on `lattice-sync/1`.

Every frame on a stream is a `NanoFrame`. The first seven members are the `NanoSync` of
docs/reference/nano-reconcile.md §4. Two members carry bulk and are laid out by hand, so that they can be read as
they arrive: `item` is signature (64) ‖ Borsh body, `part` is total size of the blob (u32 little-endian) ‖ bytes.

Lists say how many elements they may have: a frame of 4 KiB could otherwise hold thousands of empty ones, each of which
costs a dict in the heap of a stick.
"""

from ..compat import const
from .messages import JoinRequest, JoinResponse
from .protobuf import Message

# -- reconciliation by chain tips ------------------------------------------------------------------------------

Open = Message(
    "Open",
    (
        (1, "store_id", "bytes"),
        (2, "salt", "bytes"),
        (3, "sum", "uint64", "?"),
        (4, "chains", "uint32"),
        (5, "items", "uint64"),
        (6, "tips", "bytes"),
        (7, "live", "bool"),  # stay after the exchange and push what is new
        (8, "root_id", "bytes"),  # of a child: the share with which the opener has it
        # 9 is spoken for: whether the replica keeps all of the history.
    ),
)
Tips = Message(
    "Tips",
    (
        (1, "sum", "uint64"),
        (2, "chains", "uint32"),
        (3, "items", "uint64"),
        (4, "tips", "bytes"),
        (6, "bucket_sums", "bytes"),
        (7, "known", "bool"),
        (8, "complete", "bool"),
        (9, "differ", "bytes"),
        (10, "more", "bool"),
        (11, "behind", "bytes"),  # varints: by how much the initiator is behind each entry of the answer before
        # 12 is spoken for, as Open's 9.
    ),
)
Nothing = Message("Nothing", ())

# -- intentions ------------------------------------------------------------------------------------------------

Count = Message("Count", ((1, "count", "uint64"),))
Sent = Message("Sent", ((1, "count", "uint64"), (2, "withheld", "uint64")))  # withheld: held, and not given now
Done = Message("Done", ((1, "count", "uint64"), (2, "whole", "bool")))  # whole: nothing of the content is lacking
ItemRefused = Message(
    "ItemRefused",
    (
        (1, "hash", "bytes"),
        (2, "author", "bytes"),
        (3, "reason", "string"),
        (4, "no_room", "bool"),
        (5, "fork", "bool"),
        (6, "shown", "bool"),  # the item behind it is evidence: the tip of the branch that this side holds
    ),
)
Unfit = Message("Unfit", ((1, "path", "string"), (2, "size", "uint64")))
Content = Message(
    "Content",
    lambda: (
        (1, "done", "bool"),  # false: an estimate of what will be asked for
        (2, "blobs", "total64"),
        (3, "bytes", "total64"),
        (4, "missing", "total32"),  # wanted, and not held by the peer either
        (5, "unfit", Unfit, 512),  # what found no room, as far as it fits one message
        (6, "unfit_count", "total32"),
        (7, "room", "total64"),  # bytes that content may still take where something found none
    ),
)
Words = Message("Words", ((1, "words", "string"),))

# -- blobs -----------------------------------------------------------------------------------------------------

BlobOpen = Message("BlobOpen", ((1, "store_id", "bytes"), (2, "root_id", "bytes")))  # root_id: as in Open
BlobRequest = Message("BlobRequest", ((1, "hash", "bytes"),))
BlobStored = Message("BlobStored", ((1, "hashes", "bytes"),))  # 32 bytes each
BlobBad = Message("BlobBad", ((1, "hash", "bytes"),))  # what came for it has another hash

# -- control of a stick ----------------------------------------------------------------------------------------

Setup = Message(
    "Setup", ((1, "name", "string"), (2, "store_id", "bytes"), (3, "store_type", "string"), (4, "now_ms", "uint64"))
)
OwnerChange = Message("OwnerChange", ((1, "key", "bytes"),))
Clock = Message("Clock", ((1, "now_ms", "uint64"),))
ControlRequest = Message(
    "ControlRequest",
    lambda: (
        (1, "status", Nothing, "what"),
        (2, "setup", Setup, "what"),
        (3, "owner_add", OwnerChange, "what"),
        (4, "owner_transfer", OwnerChange, "what"),
        (5, "clock", Clock, "what"),
    ),
)
StoreStatus = Message(
    "StoreStatus",
    (
        (1, "id", "bytes"),
        (2, "name", "string"),
        (3, "type", "string"),
        (4, "intentions", "uint64"),
        (5, "files", "uint64"),
        (6, "waiting", "uint32"),  # held, and not taken in for want of what it builds on
        (7, "waiting_bytes", "uint64"),
    ),
)
Status = Message(
    "Status",
    lambda: (
        (1, "version", "string"),
        (2, "owned", "bool"),
        # What follows is for members only.
        (3, "id", "bytes"),
        (4, "owners", "bytes", 16),
        (5, "name", "string"),
        (6, "stores", StoreStatus, 64),
        (7, "flash_total", "uint64"),
        (8, "flash_used", "uint64"),
        (9, "last_error", "string"),
        (10, "state", "string"),
        (11, "safe_to_unplug", "bool"),
        (12, "member", "bool"),
        (13, "files", "uint64"),
        (14, "forked", "bool"),  # the stick's own chain: it writes nothing any more
        (15, "store_count", "uint32"),  # of which `stores` lists as many as fit one message
        (16, "damage", "string"),  # what it has lost and does without until that is back, in words
    ),
)
ControlDone = Message("ControlDone", ((1, "unheard", "bool"),))  # the new owner is no member that the stick knows
ControlReply = Message("ControlReply", lambda: ((1, "status", Status, "what"), (2, "done", ControlDone, "what")))

# -- the envelope ----------------------------------------------------------------------------------------------

NanoFrame = Message(
    "NanoFrame",
    lambda: (
        (1, "open", Open, "message"),
        (2, "tips", Tips, "message"),
        (3, "equal", Nothing, "message"),
        (4, "retry", Nothing, "message"),
        # 5 Probe, 6 ProbeAnswer and 7 Proof belong to the splitting of forked chains.
        (8, "item", "bytes", "message"),
        (9, "sent", Sent, "message"),
        (10, "durable", Count, "message"),
        (11, "item_refused", ItemRefused, "message"),
        (12, "done", Done, "message"),
        (13, "content", Content, "message"),
        (14, "refusal", Words, "message"),
        (15, "part", "bytes", "message"),
        (16, "not_held", Nothing, "message"),
        (17, "blob_open", BlobOpen, "message"),
        (18, "blob_request", BlobRequest, "message"),
        (19, "blob_stored", BlobStored, "message"),
        (20, "join_request", JoinRequest, "message"),
        (21, "join_response", JoinResponse, "message"),
        (22, "control", ControlRequest, "message"),
        (23, "control_reply", ControlReply, "message"),
        (24, "blob_bad", BlobBad, "message"),
        (25, "waiting", "bytes", "message"),
        # 26 to 33 are spoken for: how a small replica lets history go.
    ),
)

ITEM_KEY = const(0x42)  # first byte of a frame with an item (field 8, length-delimited)
PART_KEY = const(0x7A)  # of one with a part of a blob (field 15)
ITEM_HEAD_BYTES = const(64)  # signature
PART_HEAD_BYTES = const(4)  # total size
WORDS_BYTES = const(300)  # of a refusal
REASON_BYTES = const(200)  # of a refused intention
MESSAGE_BYTES = const(4096)  # largest frame that is neither item nor part
PART_BYTES = const(65536)  # largest data of a part: the largest chunk of a file
