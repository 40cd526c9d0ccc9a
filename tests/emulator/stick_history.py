"""A stick with a history of writes."""

from lattice_core.model import ops
from lattice_core.model.intention import create
from lattice_core.wire.messages import KvPayload
from support import START_MS

STORE = b"store-of-a-test!"


def signed_put(crypto, author, prev, number):
    payload = KvPayload.encode({"ops": [{"put": {"key": b"key-%05d" % number, "value": b"%d" % number * 8}}]})
    return create(crypto, author, START_MS + number, 0, STORE, prev, (), ops.app(payload))
