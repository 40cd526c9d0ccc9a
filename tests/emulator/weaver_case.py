"""The properties of weaver and tables on flash, on the stick's interpreter: test_weaver_flash.py starts it there."""

from flash_chips import make, reopen
from support import weaver_suite

weaver_suite.install(globals(), make, reopen)
