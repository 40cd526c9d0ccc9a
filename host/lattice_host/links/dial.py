"""Making QUIC connections (PyPI `iroh`), without relays or look-ups: nodes dial addresses they know."""

import asyncio

import iroh
from iroh import iroh_ffi

from lattice_core.errors import UsageError
from lattice_core.sync.common.streams import ALPN_NANO, ALPN_SYNC
from lattice_core.sync.nano.peer import NanoPeer
from lattice_core.sync.reference.peer import RefPeer

from . import iroh_copy
from .quic import Failed, QuicConnection, words

iroh_copy.install()


async def bind(seed, address="127.0.0.1:0", alpns=(ALPN_NANO, ALPN_SYNC)):
    """The library's own endpoint, whose identity is the node's."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    iroh_ffi.uniffi_set_event_loop(loop)
    return await iroh.Endpoint.bind(
        iroh.EndpointOptions(
            preset=iroh.preset_minimal(),
            relay_mode=iroh.RelayMode.disabled(),
            secret_key=seed,
            bind_addr=address,
            alpns=[alpn.encode() for alpn in alpns],
        )
    )


async def dial(endpoint, key, addresses, alpn):
    """A connection to the node `key` at one of its addresses. UsageError, in words, when there is none."""
    target = iroh.EndpointAddr(iroh.EndpointId.from_bytes(key), None, addresses)
    try:
        return QuicConnection(endpoint, await endpoint.connect(target, alpn.encode()), True)
    except Failed as error:
        where = ", ".join(addresses) or "no address"
        raise UsageError("node %s does not answer at %s: %s" % (key.hex()[:8], where, words(error))) from error


async def accept(endpoint):
    """The next connection that somebody makes; None when the endpoint is closed. One that fails, because its maker
    speaks another protocol or has gone meanwhile, is passed over."""
    while True:
        incoming = await endpoint.accept_next()
        if incoming is None:
            return None
        try:
            return QuicConnection(endpoint, await (await incoming.accept()).connect(), False)
        except Failed:
            continue


def peer_of(node, connection):
    """Who speaks on the connection: what its ALPN says."""
    return (NanoPeer if connection.alpn == ALPN_NANO else RefPeer)(node, connection)
