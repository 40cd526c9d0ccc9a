"""Streams over a channel of messages: two connections face to face, messages handed over by hand."""

from lattice_core.errors import ProtocolError, UsageError
from support import Rng, raises
from support.mux import ROOM, Face


def pump(face, source, target, data):
    """Sends `data` on a stream whose other end is `target`; returns what arrived."""
    got = []
    done = 0
    while done < len(data) or target.readable() or source.pending() > 0:
        done += source.write(memoryview(data)[done:])
        face.move()
        got.append(target.read(100000))
    return b"".join(got)


def test_bytes_go_both_ways_and_end():
    face = Face()
    mine = face.a.open_stream()
    mine.write(b"question")
    mine.finish()
    face.move()
    theirs = face.b.accept_stream()
    assert theirs.id == mine.id == 1
    assert face.b.accept_stream() is None
    assert theirs.readable() == 8
    assert not theirs.at_end()
    assert theirs.read(3) == b"que"
    assert theirs.read(100) == b"stion"
    assert theirs.read(1) == b""
    assert theirs.at_end()
    assert mine.finished()
    assert theirs.write(b"answer") == 6
    theirs.finish()
    face.move()
    assert mine.read(100) == b"answer"
    assert mine.at_end()
    assert theirs.finished()
    assert mine.error is None
    assert theirs.error is None


def test_a_stream_is_announced_without_data():
    face = Face()
    face.a.open_stream()
    face.move()
    theirs = face.b.accept_stream()
    theirs.write(b"you called?")
    face.move()
    assert theirs.id == 1


def test_large_data_crosses_windows_and_rings():
    rng = Rng(7)
    face = Face(window=1024, buffer=700)
    mine = face.a.open_stream()
    face.move()
    theirs = face.b.accept_stream()
    data = rng.bytes(30000)
    assert pump(face, mine, theirs, data) == data
    assert pump(face, theirs, mine, data) == data


def test_an_unread_stream_stops_its_sender_and_nobody_else():
    face = Face(window=2048, buffer=1024)
    stuck = face.a.open_stream()
    free = face.a.open_stream()
    face.move()
    face.b.accept_stream()
    theirs = face.b.accept_stream()
    taken = 0
    while stuck.writable():
        taken += stuck.write(bytes(500))
        face.move()
    assert taken == 2048 + 1024  # the peer's window and our buffer
    data = bytes(range(256)) * 40
    assert pump(face, free, theirs, data) == data


def test_streams_take_turns():
    face = Face(window=20000, buffer=20000)
    streams = [face.a.open_stream() for _ in range(3)]
    face.move()
    for stream in streams:
        stream.write(bytes(20000))
    theirs = [face.b.accept_stream() for _ in range(3)]
    for _ in range(20):
        face.step(face.a, face.b)
    counts = [stream.readable() for stream in theirs]
    assert max(counts) - min(counts) <= ROOM, counts


def test_small_frames_share_a_message():
    face = Face()
    for text in (b"one", b"two", b"three"):
        face.a.open_stream().write(text)
    assert face.step(face.a, face.b) == 1
    assert [face.b.accept_stream().read(9) for _ in range(3)] == [b"one", b"two", b"three"]


def test_streams_beyond_the_limit_wait_for_room():
    face = Face(streams=2)
    mine = [face.a.open_stream() for _ in range(3)]
    for stream in mine:
        stream.write(b"x")
        stream.finish()
    face.move()
    first, second = face.b.accept_stream(), face.b.accept_stream()
    assert face.b.accept_stream() is None
    assert not mine[2].finished()
    first.read(9)
    first.finish()
    face.move()
    third = face.b.accept_stream()
    assert third.id == mine[2].id
    assert third.read(9) == b"x"
    assert second.read(9) == b"x"


def test_too_many_own_streams_is_our_mistake():
    face = Face(streams=2)
    for _ in range(64 + 2):
        face.a.open_stream()
    raises(UsageError, face.a.open_stream)


def test_ids_go_round_and_skip_what_is_open():
    face = Face()
    face.a._next_id = 0xFFFF
    assert face.a.open_stream().id == 0xFFFF
    assert face.a.open_stream().id == 1
    face.b._next_id = 0xFFFE
    assert [face.b.open_stream().id for _ in range(2)] == [0xFFFE, 2]
    face.a._next_id = 0xFFFF
    assert face.a.open_stream().id == 3


def test_reset_ends_both_directions_here_and_there():
    face = Face()
    mine = face.a.open_stream()
    mine.write(b"some data")
    face.move()
    theirs = face.b.accept_stream()
    other = face.a.open_stream()
    mine.reset()
    face.move()
    assert mine.error
    assert theirs.error
    assert theirs.read(100) == b"some data"  # what has arrived stays
    assert mine.write(b"x") == 0
    assert theirs.write(b"x") == 0
    other.write(b"lives")
    face.move()
    assert face.b.accept_stream().read(9) == b"lives"
    assert mine.id not in face.a._streams
    assert theirs.id not in face.b._streams


def test_data_that_crossed_a_reset_is_ignored():
    face = Face()
    mine = face.a.open_stream()
    mine.write(b"late")
    view = memoryview(bytearray(ROOM))
    face.step(face.a, face.b)
    theirs = face.b.accept_stream()
    mine.write(b"later")
    length = face.a.fill(view)
    theirs.reset()
    face.move()
    face.b.message(view[:length])
    assert mine.error is not None
    assert theirs.error is not None


def test_resetting_a_thousand_times_leaves_nothing():
    face = Face(streams=4)
    for number in range(1000):
        stream = face.a.open_stream() if number % 2 else face.b.open_stream()
        if number % 3:
            stream.write(bytes(100))
            face.move()
        stream.reset()
        face.move()
    for connection in (face.a, face.b):
        assert not connection._streams
        assert not connection._all
        assert len(connection._accepted) <= 4
        held = sum([size * len(free) for size, free in connection._pool.items()])
        assert held <= 8192 * 4 + 4096 * 4


def test_buffers_are_given_back():
    face = Face()
    for _ in range(50):
        mine = face.a.open_stream()
        mine.write(bytes(1000))
        mine.finish()
        face.move()
        theirs = face.b.accept_stream()
        assert len(theirs.read(2000)) == 1000
        assert theirs.at_end()
        theirs.finish()
        face.move()
        assert mine.at_end()
        assert mine.finished()
        assert theirs.finished()
    assert [len(free) for free in face.b._pool.values()] == [1]
    assert not face.a._streams
    assert not face.b._streams


def test_a_stick_without_memory_stops_the_stream_not_itself():
    face = Face()
    mine = face.a.open_stream()
    face.a.buffer = lambda size: None
    assert mine.write(b"x") == 0
    del face.a.buffer
    mine.write(b"x")
    face.b.buffer = lambda size: None
    view = memoryview(bytearray(ROOM))
    length = face.a.fill(view)
    assert "no memory" in str(raises(ProtocolError, face.b.message, view[:length]))


def test_the_end_gives_back_what_nobody_has_seen():
    face = Face()
    for _ in range(3):
        face.a.open_stream().write(bytes(500))
    face.move()
    seen = face.b.accept_stream()
    face.b.end("unplugged")
    assert face.b.accept_stream() is None
    assert [len(free) for free in face.b._pool.values()] == [2]
    assert len(seen.read(1000)) == 500
    assert [len(free) for free in face.b._pool.values()] == [3]


def test_close_reaches_the_peer_in_words():
    face = Face()
    stream = face.a.open_stream()
    stream.write(b"lost")
    face.a.close("going home\n\x1b[31m")
    assert face.a.closed
    assert stream.error == face.a.closed
    view = memoryview(bytearray(ROOM))
    reason = face.b.message(view[: face.a.fill(view)])
    assert reason == "going home??[31m"
    assert face.a.fill(view) == 0
    assert face.a.close_sent
    after = face.a.open_stream()
    assert after.error
    assert after.write(b"x") == 0


def test_what_had_ended_well_stays_well():
    face = Face()
    mine = face.a.open_stream()
    mine.write(b"all of it")
    mine.finish()
    face.move()
    theirs = face.b.accept_stream()
    theirs.finish()
    face.move()
    face.b.end("unplugged")
    assert theirs.error is None
    assert theirs.read(100) == b"all of it"
    assert theirs.at_end()
    half = face.a.open_stream()
    half.finish()
    face.a.end("unplugged")
    assert half.error == "unplugged"


def test_writing_after_the_end_is_our_mistake():
    face = Face()
    stream = face.a.open_stream()
    stream.finish()
    raises(UsageError, stream.write, b"x")


def refused(*frames):
    face = Face(streams=1, window=256)
    face.b.open_stream()
    face.move()
    message = bytearray(b"".join(frames))
    return str(raises(ProtocolError, face.a.message, memoryview(message)))


def test_broken_rules_end_the_connection_in_words():
    assert "unknown kind" in refused(b"\x0e")
    assert "not its to open" in refused(b"\x11\x03\x00\x00\x00")  # an odd id is the initiator's
    assert "not its to open" in refused(b"\x11\x00\x00\x00\x00")
    assert "more streams" in refused(b"\x11\x04\x00\x00\x00")
    assert "window" in refused(b"\x41\x02\x00" + bytes(257))
    assert "window" in refused(b"\x21\x02\x00\x00\x00", b"\x01\x02\x00\x01\x00x")  # after the FIN
    assert "beyond its message" in refused(b"\x01\x02\x00\x09\x00x")
    assert "inside a frame" in refused(b"\x01\x02")
    assert "inside a frame" in refused(b"\x02\x02\x00\x01")
    assert "inside a frame" in refused(b"\x03\x02")
    assert "inside a frame" in refused(b"\x04")
    assert "more than" in refused(b"\x02\x02\x00\xff\xff" * 300)
    assert "more than" in refused(b"\x04\xff" * 5)


def test_any_message_is_taken_or_refused():
    rng = Rng(11)
    for _ in range(400):
        face = Face()
        mine = face.a.open_stream()
        mine.write(b"x")
        face.move()
        message = bytearray(rng.bytes(1 + rng.below(40)))
        message[0] = rng.choice((1, 0x11, 0x21, 0x31, 0x41, 2, 3, 4, 5)) if rng.below(4) else message[0]
        try:
            face.b.message(memoryview(message))
        except ProtocolError:
            pass


def test_what_has_arrived_is_looked_at_where_it_lies():
    """`peek` and `consume` do what `read` does: the same bytes, the same window for the peer, the same end."""
    rng = Rng(8)
    for buffer in (700, 4096):
        face = Face(window=1024, buffer=buffer)
        mine = face.a.open_stream()
        face.move()
        theirs = face.b.accept_stream()
        assert len(theirs.peek()) == 0
        data = rng.bytes(20000)
        got = b""
        done = 0
        while len(got) < len(data):
            if done < len(data):
                done += mine.write(memoryview(data)[done:])
                if done == len(data):
                    mine.finish()
            face.move()
            while theirs.readable():
                seen = theirs.peek()
                assert 0 < len(seen) <= theirs.readable()
                count = 1 + rng.below(len(seen))
                got += bytes(seen[:count])
                theirs.consume(count)
        assert got == data
        assert len(theirs.peek()) == 0
        assert theirs.at_end()


def test_what_is_emptied_lies_in_one_piece_again():
    face = Face(window=1024)
    mine = face.a.open_stream()
    mine.write(b"x" * 1000)
    face.move()
    theirs = face.b.accept_stream()
    theirs.consume(1000)
    mine.write(b"y" * 900)
    face.move()
    assert bytes(theirs.peek()) == b"y" * 900


def test_what_had_arrived_is_seen_after_the_end_of_the_connection():
    face = Face()
    mine = face.a.open_stream()
    mine.write(b"last words")
    face.move()
    theirs = face.b.accept_stream()
    face.b.end("pulled")
    assert theirs.error == "pulled"
    assert bytes(theirs.peek()) == b"last words" == theirs.read(20)
