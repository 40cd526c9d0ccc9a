"""The API of `core:logstore` (docs/reference/03-state-machines.md §4): no stick answers it."""

from .protobuf import Message

AppendRequest = Message("AppendRequest", ((1, "content", "bytes"),))
ReadRequest = Message("ReadRequest", ((1, "tail", "uint64", "?"),))
ReadResponse = Message("ReadResponse", ((1, "items", "bytes", "*"),))
