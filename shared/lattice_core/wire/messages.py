"""The tables of the mesh's messages (docs/reference/01-data-model.md §3 and §4, 04 §1, 05 §3) that every node needs.

Messages that only Nano nodes exchange are in `nano_messages.py`, those that no stick needs in `reference_messages.py`.
"""

from .protobuf import Message

# -- envelopes (package lattice.weaver) ---------------------------------------------------------------------------

SignedIntention = Message("SignedIntention", ((1, "intention_borsh", "bytes"), (2, "signature", "bytes")))
WitnessContent = Message(
    "WitnessContent",
    ((1, "store_id", "bytes"), (2, "intention_hash", "bytes"), (3, "wall_time", "uint64"), (4, "prev_hash", "bytes")),
)
WitnessRecord = Message("WitnessRecord", ((1, "content", "bytes"), (2, "signature", "bytes")))

# -- ops (package lattice.storage) --------------------------------------------------------------------------------

CHILD_ACTIVE, CHILD_ARCHIVED = 1, 2
PEER_INVITED, PEER_ACTIVE, PEER_DORMANT, PEER_REVOKED = 1, 2, 3, 4
INVITE_VALID, INVITE_REVOKED, INVITE_CLAIMED = 1, 2, 3

ChildAdd = Message("ChildAdd", ((1, "target_id", "bytes"), (2, "alias", "string"), (3, "store_type", "string")))
ChildRemove = Message("ChildRemove", ((1, "target_id", "bytes"),))
ChildSetStatus = Message("ChildSetStatus", ((1, "target_id", "bytes"), (2, "status", "int32")))
HierarchyOp = Message(
    "HierarchyOp",
    lambda: (
        (1, "add_child", ChildAdd, "op"),
        (2, "remove_child", ChildRemove, "op"),
        (3, "set_status", ChildSetStatus, "op"),
    ),
)
SetPeerStatus = Message("SetPeerStatus", ((1, "status", "int32"),))
SetPeerAddedAt = Message("SetPeerAddedAt", ((1, "timestamp", "uint64"),))
SetPeerAddedBy = Message("SetPeerAddedBy", ((1, "adder_pubkey", "bytes"),))
SetPeerName = Message("SetPeerName", ((1, "name", "string"),))
PeerOp = Message(
    "PeerOp",
    lambda: (
        (1, "pubkey", "bytes"),
        (3, "set_status", SetPeerStatus, "op"),
        (4, "set_added_at", SetPeerAddedAt, "op"),
        (5, "set_added_by", SetPeerAddedBy, "op"),
        (6, "set_name", SetPeerName, "op"),
    ),
)
PeerStrategy = Message(
    "PeerStrategy",
    ((1, "independent", "bool", "type"), (2, "inherited", "bool", "type"), (3, "snapshot", "bytes", "type")),
)
SetPeerStrategy = Message("SetPeerStrategy", ((1, "strategy", PeerStrategy),))
PeerStrategyOp = Message("PeerStrategyOp", ((1, "set", SetPeerStrategy, "op"),))
SetStoreName = Message("SetStoreName", ((1, "name", "string"),))
StoreOp = Message("StoreOp", ((1, "set_name", SetStoreName, "op"),))
SetInviteStatus = Message("SetInviteStatus", ((1, "status", "int32"),))
SetInviteInvitedBy = Message("SetInviteInvitedBy", ((1, "inviter_pubkey", "bytes"),))
SetInviteClaimedBy = Message("SetInviteClaimedBy", ((1, "claimer_pubkey", "bytes"),))
InviteOp = Message(
    "InviteOp",
    lambda: (
        (1, "token_hash", "bytes"),
        (2, "set_status", SetInviteStatus, "op"),
        (3, "set_invited_by", SetInviteInvitedBy, "op"),
        (4, "set_claimed_by", SetInviteClaimedBy, "op"),
    ),
)
SystemBatch = Message("SystemBatch")
SystemOp = Message(
    "SystemOp",
    lambda: (
        (1, "hierarchy", HierarchyOp, "kind"),
        (2, "peer", PeerOp, "kind"),
        (3, "strategy", PeerStrategyOp, "kind"),
        (4, "store", StoreOp, "kind"),
        (5, "invite", InviteOp, "kind"),
        (6, "batch", SystemBatch, "kind"),
    ),
)
SystemBatch.define(((1, "ops", SystemOp, "*"),))
GenesisOp = Message("GenesisOp", ((1, "store_type", "string"), (2, "nonce", "uint32")))
UniversalOp = Message(
    "UniversalOp",
    lambda: ((10, "app_data", "bytes", "op"), (11, "system", SystemOp, "op"), (12, "genesis", GenesisOp, "op")),
)

# -- core:kvstore (package lattice.kv) ----------------------------------------------------------------------------

PutOp = Message("PutOp", ((1, "key", "bytes"), (2, "value", "bytes")))
DeleteOp = Message("DeleteOp", ((1, "key", "bytes"),))
Operation = Message("Operation", lambda: ((1, "put", PutOp, "op_type"), (2, "delete", DeleteOp, "op_type")))
KvPayload = Message("KvPayload", ((1, "ops", Operation, "*"),))

# -- joining (package lattice.network) ----------------------------------------------------------------------------

JoinRequest = Message(
    "JoinRequest",
    (
        (1, "node_pubkey", "bytes"),
        (2, "store_id", "bytes"),
        (3, "invite_secret", "bytes"),
        (15, "expires_s", "uint64"),  # only over lattice-nano/1
    ),
)
JoinResponse = Message(
    "JoinResponse", ((1, "inviter_pubkey", "bytes"), (2, "store_id", "bytes"), (3, "store_type", "string"))
)

# -- files (docs/protocol.md, "Files") ----------------------------------------------------------------------------

DirEntry = Message(
    "DirEntry",
    (
        (1, "name", "string"),
        (2, "mode", "uint32"),
        (3, "cid", "bytes"),
        (4, "modified_at", "uint64"),
        (5, "size", "uint64"),
        (6, "inline", "bytes", "?"),
    ),
)
