"""Ids of children that have a list of members of their own: the id says so, and who made the store.

Such an id is a UUID of version 8: a hash of the maker's key and of the type and nonce in the maker's genesis. So a node
that has nothing of the store yet knows that whoever is in the share is not therefore in the store, which genesis is the
right one, and with that whose word about members counts first. No other write changes any of it (docs/security.md).
"""

from ..compat import const
from ..errors import ProtocolError
from ..wire.messages import UniversalOp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.intention import Intention
    from ..seams import Crypto

_VERSION = const(8)
_CONTEXT = b"lattice-nano own list"
_GENESIS_BYTES = const(1024)  # of ops that can be a genesis


def make_id(crypto: "Crypto", maker: bytes, store_type: str, nonce: int) -> bytes:
    """The id, 16 bytes. `nonce`: the u32 of the maker's genesis."""
    raw = bytearray(crypto.blake3_digest(_CONTEXT + maker + nonce.to_bytes(4, "little") + store_type.encode())[:16])
    raw[6] = raw[6] & 0x0F | _VERSION << 4
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def begins(crypto: "Crypto", store_id: bytes, item: "Intention") -> bool:
    """True when an intention is the genesis with which the store of this id was made."""
    if item.ops_size > _GENESIS_BYTES:
        return False
    try:
        genesis = UniversalOp.decode(item.ops_bytes()).get("genesis")
    except ProtocolError:
        return False
    if genesis is None:
        return False
    return make_id(crypto, item.author, genesis["store_type"], genesis["nonce"]) == store_id
