"""Noise_XX_25519_ChaChaPoly_SHA256 against published vectors; rekeying; what must fail."""

from lattice_core.errors import ProtocolError
from lattice_core.link import noise
from support import Rng, crypto, raises

# Vectors of the Go implementation (flynn/noise), which others test against, too.
INIT_STATIC = bytes(range(32))
RESP_STATIC = bytes(range(1, 33))
INIT_EPHEMERAL = bytes(range(0x20, 0x40))
RESP_EPHEMERAL = bytes(range(0x41, 0x61))
FIRST = "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254"
EMPTY_PAYLOADS = (
    ("", FIRST),
    (
        "",
        "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4"
        "ef4ed56c133cff4560a34e36ea82109f26cf2e5a5caf992b608d55c747f615e5a3425a7a19eefb8f",
    ),
    (
        "",
        "87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d97e5ea11b16f3968710b23a3be3202dc1b5e1ce3c96334749"
        "1e74f5c0768a9b42",
    ),
)
WITH_PAYLOADS = (
    ("746573745f6d73675f30", FIRST + "746573745f6d73675f30"),
    (
        "746573745f6d73675f31",
        "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4"
        "ef4ed56c133cff4572e7a2ba5123ac30618b3d205f5c2d17f50cbca216483ac56bcc78e33bf520303278db641e5e731b2e3a",
    ),
    (
        "746573745f6d73675f32",
        "87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9f27e318e43ba630594c4d08eeb3b36d97c7377a2f4f9144b"
        "2f0c8095ad92140505b2ab53eff244b14138",
    ),
)
TRANSPORT = (
    (b"yellowsubmarine", "a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6"),
    (b"submarineyellow", "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521"),
)


def unhex(text):
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


def pair(prologue_a=b"", prologue_b=b""):
    platform = crypto()
    return (
        noise.Handshake(platform, True, prologue_a, INIT_STATIC, INIT_EPHEMERAL),
        noise.Handshake(platform, False, prologue_b, RESP_STATIC, RESP_EPHEMERAL),
    )


def play(messages):
    initiator, responder = pair()
    writer, reader = initiator, responder
    for payload, ciphertext in messages:
        assert (writer._step % 2 == 0) == (writer is initiator)
        assert (reader._step % 2 == 0) != (reader is initiator)
        seen = []

        def make(bound, payload=payload, seen=seen):
            seen.append(bound)
            return unhex(payload)

        message = writer.write(make)
        assert message == unhex(ciphertext)
        bound, plain = reader.read(message)
        assert (bound, plain) == (seen[0], unhex(payload))
        writer, reader = reader, writer
    assert initiator.finished()
    assert responder.finished()
    return initiator, responder


def seal(cipher, plain):
    buf = bytearray(plain) + bytearray(16)
    crypto().aead_seal(cipher.key, cipher.nonce, b"", buf, len(plain))
    cipher.step()
    return bytes(buf)


def open_(cipher, sealed):
    buf = bytearray(sealed)
    length = crypto().aead_open(cipher.key, cipher.nonce, b"", buf, len(buf))
    if length < 0:
        return None
    cipher.step()
    return bytes(buf[:length])


def test_published_vectors():
    play(EMPTY_PAYLOADS)
    initiator, responder = play(WITH_PAYLOADS)
    to_responder, from_responder = initiator.split()
    to_initiator, from_initiator = responder.split()
    for sending, receiving, (plain, sealed) in (
        (to_responder, from_initiator, TRANSPORT[0]),
        (to_initiator, from_responder, TRANSPORT[1]),
    ):
        assert seal(sending, plain) == unhex(sealed)
        assert open_(receiving, unhex(sealed)) == plain


def test_both_learn_the_other_static_key():
    initiator, responder = play(EMPTY_PAYLOADS)
    assert initiator.peer_static == responder.static_public
    assert responder.peer_static == initiator.static_public


def test_another_prologue_ends_the_handshake():
    initiator, responder = pair(b"versions 1 to 2", b"versions 1 to 1")
    responder.read(initiator.write(lambda bound: b""))
    raises(ProtocolError, initiator.read, responder.write(lambda bound: b""))


def test_a_changed_message_is_refused_wherever_it_was_changed():
    rng = Rng(5)
    for step in (1, 2):
        for _ in range(12):
            initiator, responder = pair()
            writer, reader = initiator, responder
            for _ in range(step):
                reader.read(writer.write(lambda bound: b"payload"))
                writer, reader = reader, writer
            message = bytearray(writer.write(lambda bound: b"payload"))
            message[rng.below(len(message) - 1)] ^= 1 << rng.below(7)
            raises(ProtocolError, reader.read, message)


def test_short_messages_are_refused():
    for step, lengths in ((0, (0, 31)), (1, (0, 31, 79, 95)), (2, (0, 47, 63))):
        for length in lengths:
            initiator, responder = pair()
            writer, reader = initiator, responder
            for _ in range(step):
                reader.read(writer.write(lambda bound: b""))
                writer, reader = reader, writer
            raises(ProtocolError, reader.read, writer.write(lambda bound: b"")[:length])


def test_a_low_order_point_is_refused():
    initiator, responder = pair()
    responder.read(bytes(32))
    raises(ProtocolError, responder.write, lambda bound: b"")
    assert not initiator.finished()


def test_a_replayed_message_does_not_fit_a_fresh_handshake():
    initiator, responder = pair()
    first = initiator.write(lambda bound: b"")
    responder.read(first)
    initiator.read(responder.write(lambda bound: b""))
    third = initiator.write(lambda bound: b"I am the initiator")
    responder.read(third)
    fresh = noise.Handshake(crypto(), False, b"", RESP_STATIC, bytes(range(7, 39)))
    fresh.read(first)
    fresh.write(lambda bound: b"")
    raises(ProtocolError, fresh.read, third)


def test_rekey_before_nonces_run_out():
    initiator, responder = play(EMPTY_PAYLOADS)
    sending = initiator.split()[0]
    receiving = responder.split()[1]
    first_key = sending.key
    for cipher in (sending, receiving):
        cipher.nonce = noise.REKEY_MESSAGES - 1
    assert open_(receiving, seal(sending, b"the last under this key")) == b"the last under this key"
    assert sending.nonce == receiving.nonce == 0
    assert sending.key == receiving.key != first_key
    # Noise, section 4.2: REKEY(k) is ENCRYPT(k, 2^64-1, "", 32 zeros), cut to 32 bytes.
    zeros = bytearray(48)
    crypto().aead_seal(first_key, 0xFFFFFFFFFFFFFFFF, b"", zeros, 32)
    assert sending.key == bytes(zeros[:32])
    assert open_(receiving, seal(sending, b"the first under the next")) == b"the first under the next"


def test_hmac_and_hkdf():
    platform = crypto()
    # RFC 4231, case 2.
    assert noise.hmac_sha256(platform, b"Jefe", b"what do ya want for nothing?") == unhex(
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    first, second = noise.hkdf2(platform, bytes(32), b"material")
    secret = noise.hmac_sha256(platform, bytes(32), b"material")
    assert first == noise.hmac_sha256(platform, secret, b"\x01")
    assert second == noise.hmac_sha256(platform, secret, first + b"\x02")
