"""The tables of every message of the mesh (docs/reference/01-data-model.md §3 and §4, 04 §1, 05 §3).

Messages that only Nano nodes exchange are in `nano_messages.py`.
"""

from .protobuf import BOOL, BYTES, INT32, OPTIONAL, REPEATED, STRING, UINT32, UINT64, Message

# -- envelopes (package lattice.weaver) ---------------------------------------------------------------------------

SignedIntention = Message("SignedIntention", ((1, "intention_borsh", BYTES), (2, "signature", BYTES)))
WitnessContent = Message(
    "WitnessContent",
    ((1, "store_id", BYTES), (2, "intention_hash", BYTES), (3, "wall_time", UINT64), (4, "prev_hash", BYTES)),
)
WitnessRecord = Message("WitnessRecord", ((1, "content", BYTES), (2, "signature", BYTES)))
FloatingMeta = Message("FloatingMeta", ((1, "received_at", UINT64),))
FrontierEntry = Message("FrontierEntry", ((1, "author", BYTES), (2, "seq", UINT64)))
Frontier = Message("Frontier", ((1, "entries", FrontierEntry, REPEATED),))

# -- ops (package lattice.storage) --------------------------------------------------------------------------------

CHILD_ACTIVE, CHILD_ARCHIVED = 1, 2
PEER_INVITED, PEER_ACTIVE, PEER_DORMANT, PEER_REVOKED = 1, 2, 3, 4
INVITE_VALID, INVITE_REVOKED, INVITE_CLAIMED = 1, 2, 3

ChildAdd = Message("ChildAdd", ((1, "target_id", BYTES), (2, "alias", STRING), (3, "store_type", STRING)))
ChildRemove = Message("ChildRemove", ((1, "target_id", BYTES),))
ChildSetStatus = Message("ChildSetStatus", ((1, "target_id", BYTES), (2, "status", INT32)))
HierarchyOp = Message(
    "HierarchyOp",
    ((1, "add_child", ChildAdd, "op"), (2, "remove_child", ChildRemove, "op"), (3, "set_status", ChildSetStatus, "op")),
)
SetPeerStatus = Message("SetPeerStatus", ((1, "status", INT32),))
SetPeerAddedAt = Message("SetPeerAddedAt", ((1, "timestamp", UINT64),))
SetPeerAddedBy = Message("SetPeerAddedBy", ((1, "adder_pubkey", BYTES),))
SetPeerName = Message("SetPeerName", ((1, "name", STRING),))
PeerOp = Message(
    "PeerOp",
    (
        (1, "pubkey", BYTES),
        (3, "set_status", SetPeerStatus, "op"),
        (4, "set_added_at", SetPeerAddedAt, "op"),
        (5, "set_added_by", SetPeerAddedBy, "op"),
        (6, "set_name", SetPeerName, "op"),
    ),
)
PeerStrategy = Message(
    "PeerStrategy",
    ((1, "independent", BOOL, "type"), (2, "inherited", BOOL, "type"), (3, "snapshot", BYTES, "type")),
)
SetPeerStrategy = Message("SetPeerStrategy", ((1, "strategy", PeerStrategy),))
PeerStrategyOp = Message("PeerStrategyOp", ((1, "set", SetPeerStrategy, "op"),))
SetStoreName = Message("SetStoreName", ((1, "name", STRING),))
StoreOp = Message("StoreOp", ((1, "set_name", SetStoreName, "op"),))
SetInviteStatus = Message("SetInviteStatus", ((1, "status", INT32),))
SetInviteInvitedBy = Message("SetInviteInvitedBy", ((1, "inviter_pubkey", BYTES),))
SetInviteClaimedBy = Message("SetInviteClaimedBy", ((1, "claimer_pubkey", BYTES),))
InviteOp = Message(
    "InviteOp",
    (
        (1, "token_hash", BYTES),
        (2, "set_status", SetInviteStatus, "op"),
        (3, "set_invited_by", SetInviteInvitedBy, "op"),
        (4, "set_claimed_by", SetInviteClaimedBy, "op"),
    ),
)
SystemBatch = Message("SystemBatch")
SystemOp = Message(
    "SystemOp",
    (
        (1, "hierarchy", HierarchyOp, "kind"),
        (2, "peer", PeerOp, "kind"),
        (3, "strategy", PeerStrategyOp, "kind"),
        (4, "store", StoreOp, "kind"),
        (5, "invite", InviteOp, "kind"),
        (6, "batch", SystemBatch, "kind"),
    ),
)
SystemBatch.define(((1, "ops", SystemOp, REPEATED),))
GenesisOp = Message("GenesisOp", ((1, "store_type", STRING), (2, "nonce", UINT32)))
UniversalOp = Message(
    "UniversalOp",
    ((10, "app_data", BYTES, "op"), (11, "system", SystemOp, "op"), (12, "genesis", GenesisOp, "op")),
)

# -- core:kvstore (package lattice.kv) ----------------------------------------------------------------------------

PutOp = Message("PutOp", ((1, "key", BYTES), (2, "value", BYTES)))
DeleteOp = Message("DeleteOp", ((1, "key", BYTES),))
Operation = Message("Operation", ((1, "put", PutOp, "op_type"), (2, "delete", DeleteOp, "op_type")))
KvPayload = Message("KvPayload", ((1, "ops", Operation, REPEATED),))

PutRequest = Message("PutRequest", ((1, "key", BYTES), (2, "value", BYTES)))
DeleteRequest = Message("DeleteRequest", ((1, "key", BYTES),))
BatchRequest = Message("BatchRequest", ((1, "ops", Operation, REPEATED),))
HashResponse = Message("HashResponse", ((1, "hash", BYTES),))  # PutResponse, DeleteResponse, BatchResponse
GetRequest = Message("GetRequest", ((1, "key", BYTES),))
GetResponse = Message("GetResponse", ((1, "value", BYTES, OPTIONAL), (2, "conflicted", BOOL)))
InspectRequest = Message("InspectRequest", ((1, "key", BYTES),))
InspectResponse = Message(
    "InspectResponse",
    (
        (1, "key", BYTES),
        (2, "exists", BOOL),
        (3, "value", BYTES, OPTIONAL),
        (4, "tombstone", BOOL),
        (5, "conflicted", BOOL),
        (6, "heads", BYTES, REPEATED),
        (7, "head_count", UINT32),
    ),
)
ListRequest = Message("ListRequest", ((1, "prefix", BYTES),))
KeyValuePair = Message("KeyValuePair", ((1, "key", BYTES), (2, "value", BYTES), (3, "conflicted", BOOL)))
ListResponse = Message("ListResponse", ((1, "items", KeyValuePair, REPEATED),))
WatchEvent = Message("WatchEvent", ((1, "key", BYTES), (2, "value", BYTES, "kind"), (3, "deleted", BOOL, "kind")))

# The stored value of a table row (package lattice.kvtable): the reference's form, for comparison with it.
TableValue = Message(
    "Value", ((1, "value", BYTES, "kind"), (2, "tombstone", BOOL, "kind"), (3, "heads", BYTES, REPEATED))
)

# -- core:rootstore (package lattice.rootstore) -------------------------------------------------------------------

RegisterAppOp = Message("RegisterAppOp", ((1, "subdomain", STRING), (2, "app_id", STRING), (3, "store_id", BYTES)))
RemoveAppOp = Message("RemoveAppOp", ((1, "subdomain", STRING),))
UploadBundleOp = Message("UploadBundleOp", ((1, "app_id", STRING), (2, "data", BYTES), (3, "manifest", BYTES)))
RemoveBundleOp = Message("RemoveBundleOp", ((1, "app_id", STRING),))
RootOperation = Message(
    "RootOperation",
    (
        (1, "register_app", RegisterAppOp, "op"),
        (2, "remove_app", RemoveAppOp, "op"),
        (3, "upload_bundle", UploadBundleOp, "op"),
        (4, "remove_bundle", RemoveBundleOp, "op"),
    ),
)
RootPayload = Message("RootPayload", ((1, "ops", RootOperation, REPEATED), (2, "version", UINT32)))
BundleManifestEntry = Message("BundleManifestEntry", ((1, "key", STRING), (2, "value", STRING)))
BundleManifestSection = Message(
    "BundleManifestSection", ((1, "name", STRING), (2, "entries", BundleManifestEntry, REPEATED))
)
BundleManifest = Message("BundleManifest", ((1, "sections", BundleManifestSection, REPEATED),))

# -- peers (package lattice.network) ------------------------------------------------------------------------------

JoinRequest = Message("JoinRequest", ((1, "node_pubkey", BYTES), (2, "store_id", BYTES), (3, "invite_secret", BYTES)))
JoinResponse = Message(
    "JoinResponse", ((1, "inviter_pubkey", BYTES), (2, "store_id", BYTES), (3, "store_type", STRING))
)
FetchIntentions = Message("FetchIntentions", ((1, "store_id", BYTES), (2, "hashes", BYTES, REPEATED)))
IntentionResponse = Message(
    "IntentionResponse", ((1, "store_id", BYTES), (2, "done", BOOL), (3, "intentions", SignedIntention, REPEATED))
)
RangeFingerprint = Message(
    "RangeFingerprint", ((1, "start", BYTES), (2, "end", BYTES), (3, "fingerprint", BYTES), (4, "count", UINT64))
)
RangeItemsRequest = Message(
    "RangeItemsRequest", ((1, "start", BYTES), (2, "end", BYTES), (3, "hashes", BYTES, REPEATED))
)
RangeItemsReply = Message("RangeItemsReply", ((1, "start", BYTES), (2, "end", BYTES), (3, "hashes", BYTES, REPEATED)))
ReconcileMessage = Message(
    "ReconcileMessage",
    (
        (1, "range_fingerprint", RangeFingerprint, "content"),
        (2, "range_items_request", RangeItemsRequest, "content"),
        (3, "range_items_reply", RangeItemsReply, "content"),
        (4, "done", BOOL, "content"),
    ),
)
ReconcilePayload = Message("ReconcilePayload", ((1, "store_id", BYTES), (3, "messages", ReconcileMessage, REPEATED)))
FetchChain = Message("FetchChain", ((1, "store_id", BYTES), (2, "target_hash", BYTES), (3, "since_hash", BYTES)))
BootstrapRequest = Message("BootstrapRequest", ((1, "store_id", BYTES), (2, "start_seq", UINT64), (3, "limit", UINT32)))
BootstrapResponse = Message(
    "BootstrapResponse",
    (
        (1, "store_id", BYTES),
        (2, "witness_records", WitnessRecord, REPEATED),
        (3, "intentions", SignedIntention, REPEATED),
        (4, "done", BOOL),
        (5, "last_seq", UINT64),
    ),
)
SyncDone = Message("SyncDone", ((1, "store_id", BYTES),))
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
GossipMessage = Message("GossipMessage", ((1, "store_id", BYTES), (2, "intention", SignedIntention, "content")))
InviteToken = Message(
    "InviteToken",
    (
        (1, "store_id", BYTES),
        (2, "secret", BYTES),
        (3, "inviter_pubkey", BYTES),
        (15, "listed_keys", BYTES, REPEATED),  # only Nano nodes read it; the reference skips it
    ),
)

# -- files (docs/protocol.md, "Files") ----------------------------------------------------------------------------

DirEntry = Message(
    "DirEntry",
    (
        (1, "name", STRING),
        (2, "mode", UINT32),
        (3, "cid", BYTES),
        (4, "modified_at", UINT64),
        (5, "size", UINT64),
        (6, "inline", BYTES, OPTIONAL),
    ),
)
