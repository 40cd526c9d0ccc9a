"""The message tables that no stick needs: `lattice-sync/1`, gossip, the API of core:kvstore, the reference's disk.

Apart from `messages.py`, because even tables that are never built cost a stick 100 bytes of heap a field.
"""

from .messages import JoinRequest, JoinResponse, Operation, SignedIntention, WitnessRecord
from .protobuf import Message

# -- stored by the reference (packages lattice.weaver and lattice.kvtable) ----------------------------------------

FloatingMeta = Message("FloatingMeta", ((1, "received_at", "uint64"),))
FrontierEntry = Message("FrontierEntry", ((1, "author", "bytes"), (2, "seq", "uint64")))
Frontier = Message("Frontier", ((1, "entries", FrontierEntry, "*"),))
# The stored value of a table row (package lattice.kvtable): the reference's form, for comparison with it.
TableValue = Message(
    "Value", ((1, "value", "bytes", "kind"), (2, "tombstone", "bool", "kind"), (3, "heads", "bytes", "*"))
)

# -- the API of core:kvstore (package lattice.kv) -----------------------------------------------------------------

PutRequest = Message("PutRequest", ((1, "key", "bytes"), (2, "value", "bytes")))
DeleteRequest = Message("DeleteRequest", ((1, "key", "bytes"),))
BatchRequest = Message("BatchRequest", ((1, "ops", Operation, "*"),))
HashResponse = Message("HashResponse", ((1, "hash", "bytes"),))  # PutResponse, DeleteResponse, BatchResponse
GetRequest = Message("GetRequest", ((1, "key", "bytes"),))
GetResponse = Message("GetResponse", ((1, "value", "bytes", "?"), (2, "conflicted", "bool")))
InspectRequest = Message("InspectRequest", ((1, "key", "bytes"),))
InspectResponse = Message(
    "InspectResponse",
    (
        (1, "key", "bytes"),
        (2, "exists", "bool"),
        (3, "value", "bytes", "?"),
        (4, "tombstone", "bool"),
        (5, "conflicted", "bool"),
        (6, "heads", "bytes", "*"),
        (7, "head_count", "uint32"),
    ),
)
ListRequest = Message("ListRequest", ((1, "prefix", "bytes"),))
KeyValuePair = Message("KeyValuePair", ((1, "key", "bytes"), (2, "value", "bytes"), (3, "conflicted", "bool")))
ListResponse = Message("ListResponse", ((1, "items", KeyValuePair, "*"),))
WatchEvent = Message("WatchEvent", ((1, "key", "bytes"), (2, "value", "bytes", "kind"), (3, "deleted", "bool", "kind")))

# -- peers (package lattice.network) ------------------------------------------------------------------------------

FetchIntentions = Message("FetchIntentions", ((1, "store_id", "bytes"), (2, "hashes", "bytes", "*")))
IntentionResponse = Message(
    "IntentionResponse", ((1, "store_id", "bytes"), (2, "done", "bool"), (3, "intentions", SignedIntention, "*"))
)
RangeFingerprint = Message(
    "RangeFingerprint",
    ((1, "start", "bytes"), (2, "end", "bytes"), (3, "fingerprint", "bytes"), (4, "count", "uint64")),
)
RangeItemsRequest = Message(
    "RangeItemsRequest", ((1, "start", "bytes"), (2, "end", "bytes"), (3, "hashes", "bytes", "*"))
)
RangeItemsReply = Message("RangeItemsReply", ((1, "start", "bytes"), (2, "end", "bytes"), (3, "hashes", "bytes", "*")))
ReconcileMessage = Message(
    "ReconcileMessage",
    (
        (1, "range_fingerprint", RangeFingerprint, "content"),
        (2, "range_items_request", RangeItemsRequest, "content"),
        (3, "range_items_reply", RangeItemsReply, "content"),
        (4, "done", "bool", "content"),
    ),
)
ReconcilePayload = Message("ReconcilePayload", ((1, "store_id", "bytes"), (3, "messages", ReconcileMessage, "*")))
FetchChain = Message("FetchChain", ((1, "store_id", "bytes"), (2, "target_hash", "bytes"), (3, "since_hash", "bytes")))
BootstrapRequest = Message(
    "BootstrapRequest", ((1, "store_id", "bytes"), (2, "start_seq", "uint64"), (3, "limit", "uint32"))
)
BootstrapResponse = Message(
    "BootstrapResponse",
    (
        (1, "store_id", "bytes"),
        (2, "witness_records", WitnessRecord, "*"),
        (3, "intentions", SignedIntention, "*"),
        (4, "done", "bool"),
        (5, "last_seq", "uint64"),
    ),
)
SyncDone = Message("SyncDone", ((1, "store_id", "bytes"),))
PeerMessage = Message(
    "PeerMessage",
    (
        (1, "join_request", JoinRequest, "message"),
        (2, "join_response", JoinResponse, "message"),
        (3, "fetch_intentions", FetchIntentions, "message"),
        (4, "intention_response", IntentionResponse, "message"),
        (5, "reconcile", ReconcilePayload, "message"),
        (6, "fetch_chain", FetchChain, "message"),
        (7, "bootstrap_request", BootstrapRequest, "message"),
        (8, "bootstrap_response", BootstrapResponse, "message"),
        (9, "sync_done", SyncDone, "message"),
    ),
)
GossipMessage = Message("GossipMessage", ((1, "store_id", "bytes"), (2, "intention", SignedIntention, "content")))
