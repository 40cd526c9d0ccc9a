"""The storage suite on flash. Runs on the stick's interpreter: test_flash_storage.py starts it there."""

from flash_chips import make, reopen
from support import storage_suite

storage_suite.install(globals(), make, reopen)
