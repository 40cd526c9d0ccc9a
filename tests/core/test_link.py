"""Two links over a line: handshake, faults, restarts, refusals. The long simulation is tests/sim/test_link_sim.py."""

from lattice_core.link import hello
from lattice_core.link import states as link
from lattice_core.link.link import SERIAL, Link
from support import Rng, crypto
from support.fake_line import Faults, LinkPair
from support.link_states import hostile, snapshot, states

PIPES = (SERIAL, 244, 20)


def world(seed=1, pipe=SERIAL, **rates):
    return LinkPair(Rng(seed), pipe, Faults(**rates))


def send_all(desk, source, data):
    """Sends `data` on a new stream of `source`; returns what the other side read."""
    mine = source.open_stream()
    got = []
    state = [0, None]

    def step(_now):
        if state[0] < len(data):
            state[0] += mine.write(memoryview(data)[state[0] :])
            if state[0] == len(data):
                mine.finish()
        other = desk.b if source is desk.a.connection else desk.a
        if state[1] is None and other.connection is not None:
            state[1] = other.connection.accept_stream()
        if state[1] is not None:
            got.append(state[1].read(100000))
        return True

    assert desk.run(lambda: mine.finished() or mine.error is not None, step)
    step(0)
    return b"".join(got), mine.error


def test_a_connection_knows_both_identities():
    for pipe in PIPES:
        desk = world(pipe=pipe)
        a, b = desk.connect()
        keys = (crypto().ed25519_public(b"a" * 32), crypto().ed25519_public(b"b" * 32))
        assert (a.local, a.peer, b.local, b.peer) == (keys[0], keys[1], keys[1], keys[0])
        assert a.initiator
        assert not b.initiator
        assert a.alpn == b.alpn == "lattice-nano/1"
        assert (a.peer_firmware, b.peer_firmware) == (b"stick 1.0", b"host 1.0")
        assert desk.a.state == desk.b.state == link.OPEN


def test_bytes_arrive_over_every_pipe():
    data = Rng(2).bytes(5000)
    for pipe in PIPES:
        desk = world(pipe=pipe)
        a, b = desk.connect()
        assert send_all(desk, a, data) == (data, None)
        assert send_all(desk, b, data) == (data, None)
        assert desk.a.counters.resent == desk.b.counters.resent == 0


def test_bytes_arrive_over_bad_lines():
    data = Rng(3).bytes(6000)
    for pipe in PIPES:
        desk = world(5, pipe, lose=60, double=60, damage=60, reorder=60, noise=60, stall=5)
        a, b = desk.connect()
        assert send_all(desk, a, data) == (data, None)
        assert send_all(desk, b, data) == (data, None)


def test_overhead_of_bulk_data_is_four_percent():
    desk = world()
    a, _ = desk.connect()
    before = desk.a.counters.bytes_out, desk.b.counters.bytes_out
    data = Rng(4).bytes(40000)
    assert send_all(desk, a, data) == (data, None)
    assert (desk.a.counters.bytes_out - before[0]) * 1000 <= len(data) * 1040, desk.a.counters.bytes_out - before[0]
    assert (desk.b.counters.bytes_out - before[1]) * 1000 <= len(data) * 10


def test_seven_packets_and_more_travel_in_each_round_trip():
    desk = world()
    desk.to_a._delay_ms = desk.to_b._delay_ms = 5
    a, _ = desk.connect()
    started = desk.now
    data = Rng(4).bytes(60000)
    assert send_all(desk, a, data) == (data, None)
    round_trips = (desk.now - started) / 10
    assert 60000 / 993 / round_trips >= 7, round_trips


def test_the_initiator_waits_for_a_stick_that_is_not_there_yet():
    desk = world()
    hellos = []
    for now in range(1000, 21000, 10):
        while True:
            packet = desk.a.send(now)
            if packet is None:
                break
            hellos.append(now)
        assert desk.a.deadline_ms(now) > now
    gaps = [later - earlier for earlier, later in zip(hellos, hellos[1:])]
    assert gaps[0] == 100
    assert max(gaps) <= 1010
    assert 15 < len(hellos) < 40
    desk.now = 21000
    desk.connect()


def test_the_responder_is_silent_until_it_hears_a_hello():
    stick = Link(crypto(), b"b" * 32, False, SERIAL, b"1", 0)
    for now in range(0, 60000, 500):
        stick.receive(b"AT\r\nATE0\r\n>>> import machine\r\n\0\0~\0", now)
        assert stick.send(now) is None
    assert stick.deadline_ms(60000) is None
    assert stick.counters.damaged > 0


def closes(desk, connection, limit_ms=600000):
    return desk.run(lambda: connection.closed is not None, limit_ms=limit_ms)


def test_a_stick_that_restarts_ends_the_connection_and_comes_back():
    for pipe in PIPES:
        desk = world(pipe=pipe)
        a, _ = desk.connect()
        stream = a.open_stream()
        stream.write(b"before")
        desk.exchange()
        desk.restart_b()
        stream.write(b"after")
        assert closes(desk, a)
        assert "restarted" in a.closed
        assert stream.error == a.closed
        assert "restarted" in desk.a.trouble
        again, _ = desk.connect()
        assert again is not a
        assert send_all(desk, again, b"resumed") == (b"resumed", None)


def test_a_stick_that_restarts_while_the_line_is_quiet_is_noticed():
    desk = world()
    a, _ = desk.connect()
    assert desk.run(lambda: desk.now > 3000)
    desk.restart_b()
    started = desk.now
    assert desk.run(lambda: a.closed is not None)
    assert desk.now - started < 7000


def test_a_host_that_restarts_ends_the_connection_on_the_stick():
    for pipe in PIPES:
        desk = world(pipe=pipe)
        _, b = desk.connect()
        stream = b.open_stream()
        stream.write(b"x")
        desk.exchange()
        desk.restart_a()
        assert closes(desk, b)
        assert "restarted" in b.closed
        assert stream.error == b.closed
        again, _ = desk.connect()
        assert send_all(desk, again, b"resumed") == (b"resumed", None)


def test_a_late_hello_of_an_earlier_life_moves_nobody():
    desk = world()
    early = []
    packet = desk.a.send(desk.now)
    early.append(bytes(packet))
    desk.a.receive(b"", desk.now)
    desk.to_b.put(early[0], desk.now)
    desk.connect()
    old = desk.a.connection
    desk.restart_a()
    a, b = desk.connect()
    assert old is not a
    for replay in early * 3:
        desk.to_b.put(replay, desk.now)
        desk.exchange()
    assert send_all(desk, a, b"still here") == (b"still here", None)
    assert b.closed is None
    assert desk.b.connection is b


def test_a_replayed_handshake_is_refused():
    desk = world(seed=6)
    recorded = []
    put = desk.to_b.put

    def record(data, now):
        recorded.append(bytes(data))
        put(data, now)

    desk.to_b.put = record
    desk.connect()
    assert len(recorded) >= 3
    stick = Link(crypto(), b"b" * 32, False, SERIAL, b"1", desk.now)
    for _ in range(3):
        for data in recorded:
            stick.receive(data, desk.now)
            while stick.send(desk.now) is not None:
                pass
    assert stick.connection is None
    assert stick.counters.connections == 0


def test_replayed_frames_of_the_same_session_are_dropped():
    desk = world()
    a, _ = desk.connect()
    recorded = []
    put = desk.to_b.put

    def record(data, now):
        recorded.append(bytes(data))
        put(data, now)

    desk.to_b.put = record
    assert send_all(desk, a, b"once")[0] == b"once"
    desk.to_b.put = put
    theirs = desk.b.connection
    for data in recorded * 2:
        desk.b.receive(data, desk.now)
    assert theirs.accept_stream() is None
    assert desk.b.connection is theirs
    assert desk.b.counters.duplicates > 0


def test_versions_that_do_not_meet_are_refused_in_words():
    desk = world()
    desk.b._exchange.parameters = hello.TransportParameters(2, 4, 8, 8192, b"stick \x1b9.0")
    assert desk.run(lambda: desk.a.closed is not None)
    assert "versions 2 to 4" in desk.a.closed
    assert "1 to 1" in desk.a.closed
    assert "stick ?9.0" in desk.a.closed
    assert "versions 1 to 1" in desk.b.trouble
    assert desk.b.state == link.LISTENING
    assert desk.a.send(desk.now) is None
    assert desk.a.deadline_ms(desk.now) is None


def test_a_downgrade_of_the_hello_ends_the_handshake():
    desk = world()
    desk.b._exchange.parameters = hello.TransportParameters(1, 3, 8, 8192, b"stick")
    put = desk.to_a.put

    def downgrade(data, now):
        """Somebody in the middle pretends that the stick speaks version 1 only."""
        heard = hello.Collector().take(unframe(data))
        if heard is not None:
            epoch, echo, body = heard
            weaker = bytes([body[0], 1]) + body[2:]
            data = desk.b._pipe.wrap(hello.parts(epoch, echo, weaker, 1024)[0])
        put(bytes(data), now)

    desk.to_a.put = downgrade
    assert not desk.run(lambda: desk.a.connection is not None, limit_ms=8000)
    assert "decrypt" in desk.a.trouble


def disturb(desk, moment):
    """Somebody on the line says a Hello of its own while the stick is in that state. Returns where it is noted."""
    forged = hello.encode_body(hello.TransportParameters(1, 1, 255, 65280, b"somebody"), False)
    receive = desk.b.receive
    told = []

    def disturbed(data, now):
        receive(data, now)
        if desk.b.state == moment and not told:
            for part in hello.parts(77, 0, forged, desk.b._pipe.packet_bytes):
                told.append(moment)
                receive(bytes(desk.b._pipe.wrap(part)), now)

    desk.b.receive = disturbed
    return told


def test_a_hello_after_the_handshake_began_changes_no_terms():
    for moment, pipe in ((link.STARTING, 20), (link.PROVING, SERIAL)):
        desk = world(pipe=pipe)
        told = disturb(desk, moment)
        a, b = desk.connect()
        assert told
        assert (b.peer_firmware, b._peer_window, b._may_open) == (b"host 1.0", a._window, a._mine_streams)


def unframe(data):
    """The content of a frame with delimiters around it."""
    from lattice_core.link import cobs

    frame = bytearray(bytes(data).strip(b"\0"))
    end = cobs.decode(memoryview(frame), 0, len(frame))
    return memoryview(frame)[: max(end, 0)]


def test_our_own_identity_is_refused():
    desk = LinkPair(Rng(1), SERIAL, None, b"same" * 8, b"same" * 8)
    assert desk.run(lambda: desk.a.closed is not None)
    assert "own identity" in desk.a.closed
    assert desk.b.connection is None


def test_a_proof_of_somebody_else_is_refused():
    desk = world()
    desk.a.local = crypto().ed25519_public(b"c" * 32)  # claims a key whose seed it does not have
    desk.run(lambda: False, limit_ms=3000)
    assert desk.b.counters.connections == 0
    assert "prove" in desk.b.trouble
    desk = world()
    desk.b.local = crypto().ed25519_public(b"c" * 32)
    assert desk.run(lambda: desk.a.closed is not None)
    assert "prove" in desk.a.closed
    assert desk.a.counters.connections == 0


def test_somebody_in_the_middle_learns_nothing_to_pass_on():
    """M talks to both with its own keys: each side sees M's identity, not the other's."""
    left = LinkPair(Rng(1), SERIAL, None, b"a" * 32, b"m" * 32)
    right = LinkPair(Rng(2), SERIAL, None, b"m" * 32, b"b" * 32)
    a, _ = left.connect()
    _, b = right.connect()
    assert a.peer == b.peer == crypto().ed25519_public(b"m" * 32)


def close_and_check(desk, closer):
    a, b = desk.connect()
    stream = a.open_stream()
    desk.exchange()
    closing, other = (desk.a, b) if closer == "a" else (desk.b, a)
    closing.close("done for today")
    assert closes(desk, other, 500)
    assert "done for today" in a.closed
    assert "done for today" in b.closed
    assert stream.error
    over = link.CLOSED if closer == "a" else link.LISTENING
    assert desk.run(lambda: closing.state == over, limit_ms=500)
    assert (closing.closed or closing.trouble) == "done for today"


def test_close_is_heard_in_words():
    for pipe in (SERIAL, 20):
        desk = world(pipe=pipe)
        close_and_check(desk, "a")
        assert desk.b.state == link.LISTENING  # a stick waits for the next
        desk = world(pipe=pipe)
        close_and_check(desk, "b")
        assert desk.a.state == link.CLOSED
        assert "done for today" in desk.a.closed


def test_closing_before_there_is_a_connection():
    desk = world()
    desk.a.close("never mind")
    assert desk.a.state == link.CLOSED
    assert desk.a.closed == "never mind"
    assert desk.a.send(5000) is None


def ends_of_a_session(desk):
    """Every way in which a responder's session can end, by name: a function that makes it happen."""
    stick = desk.b

    def fill(view):
        view[0] = 0x0E
        return 1

    def breaks_the_rules():
        desk.a.connection.fill = fill
        desk.a.connection.control_due = True

    def vanishes():
        desk.to_b.put = desk.to_a.put = lambda data, now: None

    def deaf():
        desk.to_a.put = lambda data, now: None

    def hears_a_fault_while_closing():
        deaf()
        stick.close("the stick's flash")
        breaks_the_rules()

    return {
        "the stick closes": lambda: stick.close("eight faults"),
        "its owner closes the connection": lambda: stick.connection.close("only a trickle"),
        "it closes and nobody hears": lambda: (deaf(), stick.close("the stick's flash")),
        "it closes and hears a fault": hears_a_fault_while_closing,
        "it closes twice": lambda: (stick.close("one"), stick.close("two")),
        "it closes and the host restarts": lambda: (stick.close("one"), desk.restart_a()),
        "the host closes": lambda: desk.a.close("done"),
        "both close": lambda: (desk.a.close("done"), stick.close("done")),
        "the host breaks the rules": breaks_the_rules,
        "the host vanishes": vanishes,
        "the host restarts": desk.restart_a,
    }


def test_however_a_session_ends_the_stick_listens_again():
    for pipe in (SERIAL, 20):
        for name in sorted(ends_of_a_session(world())):
            desk = world(pipe=pipe)
            lines = desk.to_b.put, desk.to_a.put
            desk.connect()
            first = desk.b.connection
            ends_of_a_session(desk)[name]()
            assert closes(desk, first, 25000), name
            desk.run(lambda: False, limit_ms=25000)
            desk.to_b.put, desk.to_a.put = lines
            desk.restart_a()
            _, b = desk.connect()
            assert b is not first, name
            assert b.closed is None, name
            assert desk.b.closed is None, name


def test_closing_in_the_middle_of_a_handshake_leaves_the_stick_listening():
    for state in (link.LISTENING, link.STARTING, link.PROVING):
        desk = world(pipe=20)  # so small that a message of the handshake comes in pieces
        stick = desk.b
        reached = []

        def deliver(line, side, stick=stick, state=state, reached=reached, desk=desk):
            chunk = line.take(desk.now)
            if chunk is None:
                return False
            side.receive(chunk, desk.now)
            if stick.state == state and not reached:
                reached.append(state)
                stick.close("not now")
                assert stick.state == link.LISTENING, state
                assert stick.closed is None, state
            return True

        desk._deliver = deliver
        desk.connect()
        assert reached == [state]


def test_a_close_that_nobody_hears_ends_by_itself():
    desk = world()
    a, _ = desk.connect()
    desk.to_b.put = lambda data, now: None
    a.close("pulled")
    assert desk.run(lambda: desk.a.state == link.CLOSED, limit_ms=2500)
    assert desk.a.closed == "pulled"


def test_silence_ends_the_connection_and_both_begin_anew():
    desk = world()
    a, b = desk.connect()
    keep = desk.to_b.put, desk.to_a.put
    desk.to_b.put = desk.to_a.put = lambda data, now: None
    a.open_stream().write(b"into the void")
    started = desk.now
    assert desk.run(lambda: a.closed is not None and b.closed is not None, limit_ms=30000)
    assert 19000 <= desk.now - started <= 22000
    assert "nothing was heard" in a.closed
    assert "nothing was heard" in b.closed
    desk.to_b.put, desk.to_a.put = keep
    again, _ = desk.connect()
    assert send_all(desk, again, b"back") == (b"back", None)


def test_an_idle_connection_stays():
    desk = world()
    a, b = desk.connect()
    sent = desk.a.counters.bytes_out
    end = desk.now + 120000
    assert desk.run(lambda: desk.now >= end)
    assert a.closed is None
    assert b.closed is None
    assert desk.a.counters.bytes_out - sent < 24 * 80


def test_a_long_stall_does_not_end_it():
    desk = world()
    a, b = desk.connect()
    data = Rng(8).bytes(20000)
    desk.to_b._stalled_until = desk.now + 3000  # a stick that writes flash
    assert send_all(desk, a, data) == (data, None)
    assert b.closed is None
    assert desk.a.counters.connections == 1


def test_a_peer_that_breaks_the_rules_is_left_in_words():
    desk = world()
    a, b = desk.connect()

    def fill(view):
        view[0] = 0x0E
        return 1

    a.fill = fill
    a.control_due = True
    desk.run(lambda: b.closed is not None, limit_ms=1000)
    assert "unknown kind" in b.closed
    assert "unknown kind" in desk.b.trouble
    assert desk.b.state != link.CLOSED


def test_forged_packets_are_dropped_and_the_true_ones_get_through():
    desk = world(seed=12)
    a, _ = desk.connect()
    session = desk.b._channel
    forged = bytearray(200)
    out = bytearray(400)
    sealed = link_frames().frame_seal
    for _ in range(20):
        end = sealed(out, forged, 64, 7, 0, session.arq.expected, session.arq.sent & 0xFFFF, session.number, None, 0)
        desk.b.receive(bytes(out[:end]), desk.now)
    assert desk.b.counters.forged == 20
    assert send_all(desk, a, b"the truth") == (b"the truth", None)
    for _ in range(300):
        end = sealed(out, forged, 64, 7, 0, session.arq.expected, session.arq.sent & 0xFFFF, session.number, None, 0)
        desk.b.receive(bytes(out[:end]), desk.now)
    assert desk.b.connection is None
    assert "did not decrypt" in desk.b.trouble


def link_frames():
    from lattice_core.link.serial_frames import PythonFrames

    return PythonFrames(crypto())


def test_rekeying_in_the_middle_of_a_transfer():
    desk = world()
    a, _ = desk.connect()
    for cipher in (desk.a._channel._sending, desk.b._channel.receiving):
        cipher.nonce = 65530
    data = Rng(13).bytes(20000)
    assert send_all(desk, a, data) == (data, None)
    assert 0 < desk.b._channel.receiving.nonce < 65530


def test_a_link_that_ran_for_weeks_still_counts_right():
    desk = world()
    desk.now += 1 << 33
    a, _ = desk.connect()
    assert send_all(desk, a, b"x" * 3000) == (b"x" * 3000, None)


def test_the_table_is_sound():
    states = {link.SEEKING, link.LISTENING, link.STARTING, link.PROVING, link.OPEN, link.CLOSING, link.CLOSED}
    rows = {}
    reached = {(link.INITIATOR, link.SEEKING), (link.RESPONDER, link.LISTENING)}
    for role, state, event, action, following in link.TABLE:
        assert role in (link.INITIATOR, link.RESPONDER)
        assert state in states
        assert following in states
        assert (role, state, event) not in rows, "two rows for one event"
        rows[(role, state, event)] = action
        assert hasattr(Link, action), action
        assert state != link.CLOSED
        reached.add((role, following))
    for role, state, _event, _action, _following in link.TABLE:
        assert (role, state) in reached
    for role, state in reached:
        if state not in (link.CLOSED, link.CLOSING) and (role, state) != (link.RESPONDER, link.LISTENING):
            assert (role, state, link.CLOSE) in rows, (role, state)


def test_no_state_of_a_responder_is_the_last():
    ends = {}
    for role, state, event, _action, following in link.TABLE:
        if role == link.RESPONDER:
            assert following != link.CLOSED, (state, event)
            if event in (link.SILENCE, link.ARRIVED):  # the two that come by time alone
                ends[state] = following
    assert ends == {
        link.STARTING: link.LISTENING,
        link.PROVING: link.LISTENING,
        link.OPEN: link.LISTENING,
        link.CLOSING: link.LISTENING,
    }


def test_no_deadline_stays_in_the_past():
    """After `send` has nothing more, the next deadline is later: a driver that obeys it never spins."""
    for pipe in (SERIAL, 40):
        for desk in states(pipe):
            for line in (desk.to_a, desk.to_b):
                line.put = lambda data, now: None  # nobody answers from now on
            for _ in range(60):
                for end in (desk.a, desk.b):
                    while end.send(desk.now) is not None:
                        pass
                    deadline = end.deadline_ms(desk.now)
                    assert deadline is None or deadline > desk.now, end.state
                desk.now += 700


def test_any_bytes_in_any_state_raise_nothing():
    for pipe in (SERIAL, 40):
        for seed, desk in enumerate(states(pipe)):
            rng = Rng(seed + 100)
            before = snapshot(desk)
            known = desk.b.connection
            recorded = []
            for _ in range(120):
                data = hostile(rng, desk, recorded)
                for target in (desk.b, desk.a):
                    target.receive(data, desk.now)
                    packet = target.send(desk.now)
                    if packet is not None and len(recorded) < 20:
                        recorded.append(bytes(packet))
                desk.now += rng.below(50)
                desk.b.deadline_ms(desk.now)
            after = snapshot(desk)
            assert after[0] == before[0]
            assert after[2:] == before[2:]
            assert known is None or not known._accepted, "a stranger opened a stream"


def test_memory_before_the_handshake_is_bounded():
    """Whatever comes, the link holds one Hello, one session and its buffers."""
    rng = Rng(14)
    desk = LinkPair(Rng(1), SERIAL)
    for number in range(2000):
        packets = hello.parts(number + 1, 0, b"\x01\x01\x00\x08\x20\x00", 20)
        desk.b.receive(bytes(desk.b._pipe.wrap(rng.choice(packets))), desk.now)
    assert len(desk.b._exchange.parts) <= 16
    assert len(desk.b._exchange._collector._parts) == 16
    assert desk.b._channel is None
    assert desk.b.state == link.LISTENING
