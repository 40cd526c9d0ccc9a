"""The properties of weaver and tables on flash, on the stick's interpreter: test_weaver_flash.py starts it there."""

import weaver_suite
from flash_storage_case import make, reopen

weaver_suite.install(globals(), make, reopen)
