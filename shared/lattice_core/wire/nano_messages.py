"""The messages that only Nano nodes exchange, on `lattice-nano/1` (docs/protocol.md). Never sent on `lattice-sync/1`.

Every frame on a stream is a `NanoFrame`. The first seven members are the `NanoSync` of
docs/reference/nano-reconcile.md §4. Two members carry bulk and are laid out by hand, so that they can be read as
they arrive: `item` is signature (64) ‖ Borsh body, `part` is total size of the blob (u32 little-endian) ‖ bytes.

Lists say how many elements they may have: a frame of 4 KiB could otherwise hold thousands of empty ones, each of which
costs a dict in the heap of a stick.
"""

from ..compat import const
from .messages import JoinRequest, JoinResponse
from .protobuf import BOOL, BYTES, FIXED64, STRING, UINT32, UINT64, Message

# -- reconciliation by chain tips ------------------------------------------------------------------------------

Open = Message(
    "Open",
    (
        (1, "store_id", BYTES),
        (2, "salt", BYTES),
        (3, "sum", FIXED64, "?"),
        (4, "chains", UINT32),
        (5, "items", UINT64),
        (6, "tips", BYTES),
        (7, "live", BOOL),  # stay after the exchange and push what is new
    ),
)
Tips = Message(
    "Tips",
    (
        (1, "sum", FIXED64),
        (2, "chains", UINT32),
        (3, "items", UINT64),
        (4, "tips", BYTES),
        (5, "bits", UINT32),
        (6, "bucket_sums", BYTES),
        (7, "known", BOOL),
        (8, "complete", BOOL),
        (9, "differ", BYTES),
        (10, "more", BOOL),
    ),
)
Nothing = Message("Nothing", ())

# -- intentions ------------------------------------------------------------------------------------------------

Count = Message("Count", ((1, "count", UINT64),))
Done = Message("Done", ((1, "count", UINT64), (2, "whole", BOOL)))  # whole: nothing of the content is lacking
ItemRefused = Message(
    "ItemRefused",
    ((1, "hash", BYTES), (2, "author", BYTES), (3, "reason", STRING), (4, "no_room", BOOL), (5, "fork", BOOL)),
)
Unfit = Message("Unfit", ((1, "path", STRING), (2, "size", UINT64)))
Content = Message(
    "Content",
    (
        (1, "done", BOOL),  # false: an estimate of what will be asked for
        (2, "blobs", UINT64),
        (3, "bytes", UINT64),
        (4, "missing", UINT32),  # wanted, and not held by the peer either
        (5, "unfit", Unfit, 512),  # what found no room, as far as it fits one message
        (6, "unfit_count", UINT32),
    ),
)
Words = Message("Words", ((1, "words", STRING),))

# -- blobs -----------------------------------------------------------------------------------------------------

BlobOpen = Message("BlobOpen", ((1, "store_id", BYTES),))
BlobRequest = Message("BlobRequest", ((1, "hash", BYTES),))
BlobStored = Message("BlobStored", ((1, "hashes", BYTES),))  # 32 bytes each

# -- control of a stick ----------------------------------------------------------------------------------------

Setup = Message(
    "Setup", ((1, "name", STRING), (2, "store_id", BYTES), (3, "store_type", STRING), (4, "now_ms", UINT64))
)
OwnerChange = Message("OwnerChange", ((1, "key", BYTES),))
Clock = Message("Clock", ((1, "now_ms", UINT64),))
ControlRequest = Message(
    "ControlRequest",
    (
        (1, "status", Nothing, "what"),
        (2, "setup", Setup, "what"),
        (3, "owner_add", OwnerChange, "what"),
        (4, "owner_transfer", OwnerChange, "what"),
        (5, "clock", Clock, "what"),
    ),
)
StoreStatus = Message(
    "StoreStatus",
    ((1, "id", BYTES), (2, "name", STRING), (3, "type", STRING), (4, "intentions", UINT64), (5, "files", UINT64)),
)
Status = Message(
    "Status",
    (
        (1, "version", STRING),
        (2, "owned", BOOL),
        # What follows is for members only.
        (3, "id", BYTES),
        (4, "owners", BYTES, 16),
        (5, "name", STRING),
        (6, "stores", StoreStatus, 64),
        (7, "flash_total", UINT64),
        (8, "flash_used", UINT64),
        (9, "last_error", STRING),
        (10, "state", STRING),
        (11, "safe_to_unplug", BOOL),
        (12, "member", BOOL),
        (13, "files", UINT64),
    ),
)
ControlReply = Message("ControlReply", ((1, "status", Status, "what"), (2, "done", Nothing, "what")))

# -- the envelope ----------------------------------------------------------------------------------------------

NanoFrame = Message(
    "NanoFrame",
    (
        (1, "open", Open, "message"),
        (2, "tips", Tips, "message"),
        (3, "equal", Nothing, "message"),
        (4, "retry", Nothing, "message"),
        # 5 Probe, 6 ProbeAnswer and 7 Proof belong to the splitting of forked chains.
        (8, "item", BYTES, "message"),
        (9, "sent", Count, "message"),
        (10, "durable", Count, "message"),
        (11, "item_refused", ItemRefused, "message"),
        (12, "done", Done, "message"),
        (13, "content", Content, "message"),
        (14, "refusal", Words, "message"),
        (15, "part", BYTES, "message"),
        (16, "not_held", Nothing, "message"),
        (17, "blob_open", BlobOpen, "message"),
        (18, "blob_request", BlobRequest, "message"),
        (19, "blob_stored", BlobStored, "message"),
        (20, "join_request", JoinRequest, "message"),
        (21, "join_response", JoinResponse, "message"),
        (22, "control", ControlRequest, "message"),
        (23, "control_reply", ControlReply, "message"),
    ),
)

ITEM_KEY = const(0x42)  # first byte of a frame with an item (field 8, length-delimited)
PART_KEY = const(0x7A)  # of one with a part of a blob (field 15)
ITEM_HEAD_BYTES = const(64)  # signature
PART_HEAD_BYTES = const(4)  # total size
MESSAGE_BYTES = const(4096)  # largest frame that is neither item nor part
PART_BYTES = const(65536)  # largest data of a part: the largest chunk of a file
