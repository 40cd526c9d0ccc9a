// The interpreter: heap and stack of the boards, then the frozen main.py.

#include "control.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"

#define LARGE_HEAP ((char *)0x38000000)
#define LARGE_HEAP_BYTES (4 * 1024 * 1024)

extern char _stack_top, _stack_bottom;

void hal_init(void);
void link_init(void);

static mp_obj_t call_states[1024]; // 4 KiB, as on the boards
static char heap[LATTICE_HEAP_BYTES] __attribute__((section(".heap"), aligned(16)));

int main(void) {
    hal_init();
    if (CONTROL->mark != CONTROL_MARK) {
        mp_printf(&mp_plat_print, "start this by tools/run_qemu.py\n");
        qemu_exit(1);
    }
    CONTROL->starts++;
    link_init();
    mp_cstack_init_with_top(&_stack_top, &_stack_top - &_stack_bottom);
    uint32_t wanted = CONTROL->heap_bytes;
    if (wanted <= sizeof(heap)) {
        gc_init(heap, heap + (wanted ? wanted : sizeof(heap)));
    } else {
        gc_init(LARGE_HEAP, LARGE_HEAP + MIN(wanted, LARGE_HEAP_BYTES));
    }
    mp_pystack_init(call_states, &call_states[MP_ARRAY_SIZE(call_states)]);
    mp_init();
    readline_init0();
    pyexec_frozen_module("main.py", false);
    mp_printf(&mp_plat_print, "main.py has ended\n");
    qemu_reset();
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
    if (CONTROL->ask_heap) {
        gc_info_t info;
        gc_info(&info);
        CONTROL->heap_free = info.free;
    }
}

void nlr_jump_fail(void *val) {
    mp_printf(&mp_plat_print, "FATAL: uncaught exception\n");
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(val));
    qemu_exit(1);
}
