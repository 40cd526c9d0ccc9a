"""The firmware's version, shown to anybody who asks."""

VERSION = "0.1.0"
