"""wire.json: framing."""

from judge.cases import h, same, unknown
from lattice_core.errors import ProtocolError, UsageError
from lattice_core.sync.reference import framing
from lattice_core.wire.reference_messages import PeerMessage
from support import drain


class ArrivedBytes:
    """A stream on which everything has arrived already."""

    error = None

    def __init__(self, data):
        self.data = data

    def read(self, count):
        piece, self.data = self.data[:count], self.data[count:]
        return piece

    def at_end(self):
        return not self.data


def check(section, case, context):
    if "stream" in case:
        same("yields", read_all(ArrivedBytes(h(case["stream"]))), expected_yields(section, case))
    elif "payload_len" in case:
        same("may be sent", may_be_sent(case["payload_len"]), case["ok"])
    else:
        raise unknown(section, case)


def read_all(stream):
    """What the reader yields: messages, then "eof" or "error"."""
    yields = []
    while True:
        try:
            payload = drain(framing.read_frame(stream))
            if payload is None:
                return yields + ["eof"]
            yields.append(PeerMessage.encode(PeerMessage.decode(payload)).hex() or "")
        except ProtocolError:
            return yields + ["error"]


def expected_yields(section, case):
    yields = []
    for item in case["yields"]:
        if item == "eof":
            yields.append("eof")
        elif "message" in item:
            yields.append(item["message"])
        elif "error" in item:
            yields.append("error")
        else:
            raise unknown(section, item)
    return yields


def may_be_sent(size):
    try:
        return len(framing.header(size)) == framing.HEADER_BYTES
    except UsageError:
        return False
