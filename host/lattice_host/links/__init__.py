"""What carries the core's connections besides a serial line."""
