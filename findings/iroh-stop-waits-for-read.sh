#!/usr/bin/env bash
# iroh's Python binding: `RecvStream.stop` and `SendStream.reset` wait for the read or write that is under way.
#
# Guess: they take effect at once, as in QUIC and in iroh's Rust; they are documented as "stop the incoming stream" and
# "abort the stream".
# Seen: with a peer that says and reads nothing they wait for ever. When the read or write was cancelled first, they
# return at once. So a stream is given up by cancelling its tasks, then `reset` and `stop`.
#
# Run on 2026-11-29 with CPython 3.11 on Linux, iroh 1.2.0; printed:
#   stop while a read is pending: waits
#   stop after the read was cancelled: returns; the peer's next write fails: Stopped(3)
#   reset while a write is pending: waits
#   reset after the write was cancelled: returns
#
# Exit status 1 when any of this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check iroh==1.2.0
cat >"$folder/case.py" <<'PYTHON'
import asyncio

import iroh


async def ends(work):
    """Whether it ends within two seconds."""
    try:
        await asyncio.wait_for(work, 2)
    except asyncio.TimeoutError:
        return False
    except iroh.IrohError:
        return True  # the first attempt has taken effect meanwhile
    return True


async def case():
    iroh.iroh_ffi.uniffi_set_event_loop(asyncio.get_running_loop())

    def options(**more):
        return iroh.EndpointOptions(
            preset=iroh.preset_minimal(), relay_mode=iroh.RelayMode.disabled(), bind_addr="127.0.0.1:0", **more
        )

    a, b = await iroh.Endpoint.bind(options(alpns=[b"x/1"])), await iroh.Endpoint.bind(options())

    async def accept():
        return await (await (await a.accept_next()).accept()).connect()

    accepting = asyncio.create_task(accept())
    ours = await b.connect(iroh.EndpointAddr(a.id(), None, a.bound_sockets()[:1]), b"x/1")
    theirs = await accepting
    said = []

    stream = await ours.open_bi()
    await stream.send().write_all(b"hi")
    other = await theirs.accept_bi()
    reading = asyncio.create_task(stream.recv().read(10))
    await asyncio.sleep(0.3)
    said.append("stop while a read is pending: %s" % ("returns" if await ends(stream.recv().stop(3)) else "waits"))
    reading.cancel()
    await asyncio.sleep(0.1)
    returned = "returns" if await ends(stream.recv().stop(3)) else "waits"
    await asyncio.sleep(0.3)
    try:
        await other.send().write_all(b"x")
        failed = "goes on"
    except iroh.IrohError as error:
        failed = "fails: " + error.message()
    said.append("stop after the read was cancelled: %s; the peer's next write %s" % (returned, failed))

    stream = await ours.open_bi()
    await stream.send().write_all(b"hi")
    unread = await theirs.accept_bi()

    async def write():
        while True:  # until the windows are full: the other side reads nothing
            await stream.send().write_all(bytes(65536))

    writing = asyncio.create_task(write())
    await asyncio.sleep(4)
    said.append("reset while a write is pending: %s" % ("returns" if await ends(stream.send().reset(3)) else "waits"))
    assert unread
    writing.cancel()
    await asyncio.sleep(0.1)
    said.append("reset after the write was cancelled: %s" % ("returns" if await ends(stream.send().reset(3)) else "waits"))
    ours.close(0, b"")
    await b.close()
    await a.close()
    return said


print("\n".join(asyncio.run(asyncio.wait_for(case(), 60))))
PYTHON
"$folder/venv/bin/python" "$folder/case.py" | tee "$folder/said"
sed -n '/; printed:$/,/^#$/s/^#   //p' "$0" >"$folder/expected"
diff "$folder/expected" "$folder/said" || { echo "this has changed"; exit 1; }
