"""What commands work on, below them: the open node, and what is worked out about it as plain values."""
