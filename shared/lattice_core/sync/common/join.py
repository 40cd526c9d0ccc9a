"""Joining a share: who may be shown the secret, and the two halves over `lattice-nano/1` (docs/protocol.md, "Join").

The secret goes only to the inviter or to an identity that the token lists, as the connection has authenticated it:
an impostor could otherwise collect it and redeem it elsewhere.
"""

from ...compat import const
from ...errors import ProtocolError, Refused
from ...limits import JOIN_SECRET_BYTES
from ...node import invites

STORE_ID_BYTES = const(16)


def request(node, token, peer_key, now_ms=None, again=False):
    """The JoinRequest values for this peer. Refused (with where to go) or UsageError before any secret is shown."""
    if again:
        node.begin_join_again(token, peer_key)
    else:
        node.begin_join(token, peer_key)
    if token.is_over(now_ms):
        raise invites.expired()
    if not token.may_be_shown_to(peer_key):
        raise Refused("this invite cannot be redeemed at this peer", "wrong_peer")
    return {"node_pubkey": node.identity.public, "store_id": token.store_id, "invite_secret": token.secret}


def accept(node, values, peer_key, now_ms):
    """The server's answer to a JoinRequest: the values of the JoinResponse. Refused in words.

    What it wrote is in the open transaction: send the response only when it is durable. The key in the request is
    information only: who joins is who the connection says.
    """
    store_id, secret = values["store_id"], values["invite_secret"]
    if len(store_id) != STORE_ID_BYTES or len(secret) > JOIN_SECRET_BYTES:
        raise ProtocolError("a join without a store or with an impossible secret")
    store_type = node.invites.accept(store_id, secret, peer_key, now_ms, values["expires_s"])
    return {"inviter_pubkey": node.identity.public, "store_id": store_id, "store_type": store_type}


def accepted(node, token, response, peer_key, now_ms):
    """Takes a JoinResponse: makes the share's root here, durable when this returns. Its handle."""
    if response["store_id"] != token.store_id or not response["store_type"]:
        raise ProtocolError("the answer to a join names another store, or no type")
    return node.complete_join(token, response["store_type"], now_ms, peer_key)


def client(peer, frames, token, again=False):
    """Task over `lattice-nano/1`: joins at the peer; returns the handle of the root."""
    values = request(peer.node, token, peer.key, peer.wall_ms(), again)
    values["expires_s"] = token.expires_s
    frames.post({"join_request": values})
    frames.finish()
    answer = yield from peer.answer(frames)
    if "join_response" not in answer:
        raise ProtocolError("something else than the answer to a join")
    return accepted(peer.node, token, answer["join_response"], peer.key, peer.wall_ms())


def serve(peer, frames, values):
    """Task: answers one JoinRequest once its effect is durable."""
    response = accept(peer.node, values, peer.key, peer.wall_ms())
    peer.commit()
    frames.post({"join_response": response})
    yield from peer.close_stream(frames)
