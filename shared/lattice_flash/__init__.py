"""Storage of the stick: one append-only log and bulk segments on littlefs, indexes in RAM (docs/storage.md)."""
