"""Making and driving QUIC connections (PyPI `iroh`), without relays or look-ups: nodes dial addresses they know."""

import asyncio
import time

import iroh
from iroh import iroh_ffi

from lattice_core.errors import StorageError, UsageError
from lattice_core.sync.common.streams import ALPN_NANO, ALPN_SYNC
from lattice_core.sync.nano.peer import NanoPeer
from lattice_core.sync.reference.peer import RefPeer

from ..clock import Clock
from . import iroh_copy
from .quic import Failed, QuicConnection, words

_DEADLINE_S = 0.5
_ENDING_S = 20  # for the tasks of a connection that is closed: longer than any of them waits for an answer

iroh_copy.install()


async def bind(seed, address="127.0.0.1:0", alpns=(ALPN_NANO, ALPN_SYNC)):
    """An endpoint whose identity is the node's own."""
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
    """The next connection that somebody makes; None when the endpoint is closed. One that fails, of somebody who speaks
    another protocol or has gone meanwhile, is nobody's end but its own."""
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


async def drive(peer, connection, done):
    """Steps a NanoPeer or RefPeer until `done()` is true, or until the connection is closed and everything on it has
    come to its end: what had arrived is taken, and what was learnt is stored.

    StorageError when the medium failed; the connection is closed then.
    """
    ending_s = None
    clock = Clock()
    while not done():
        connection.changed.clear()
        now_s = time.monotonic()
        if connection.closed is not None:
            ending_s = ending_s or now_s + _ENDING_S
            if not peer.transfers() or now_s > ending_s:
                break
        try:
            busy = peer.step(clock.now_ms())
        except StorageError as error:
            peer.node.journal.give_up(peer)
            peer.close("the other side's disk: %s" % error)
            raise
        if busy:
            await asyncio.sleep(0)
            continue
        try:
            await asyncio.wait_for(connection.changed.wait(), _DEADLINE_S)
        except TimeoutError:
            continue
    if connection.closed is not None:
        peer.close("the connection is over")
        peer.commit()
