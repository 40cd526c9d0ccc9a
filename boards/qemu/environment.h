// os.getenv, for tests that ask where to put the images of chips.
#include <string.h>

static mp_obj_t mp_os_getenv(mp_obj_t name) {
    return strcmp(mp_obj_str_get_str(name), "IMAGES") ? mp_const_none : MP_OBJ_NEW_QSTR(MP_QSTR__slash_chips);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_getenv_obj, mp_os_getenv);
#define mp_os_putenv_obj mp_os_getenv_obj // the table of the module wants all three
#define mp_os_unsetenv_obj mp_os_getenv_obj
