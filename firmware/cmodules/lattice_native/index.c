// Searching the columns of the stick's index (lattice_flash/hash_index.py). Twin: lattice_flash/columns.py.

#include "native.h"

// column_find(column, value, start, end, nth) -> index of the nth (0-based) element of column[start:end] equal to
// value, or -1 - (how many were found). The column is an array of u16 or u32.
static mp_obj_t native_column_find(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t column;
    mp_get_buffer_raise(args[0], &column, MP_BUFFER_READ);
    bool wide = column.typecode == 'I';
    mp_int_t value = mp_obj_get_int(args[1]);
    mp_int_t start = mp_obj_get_int(args[2]);
    mp_int_t end = mp_obj_get_int(args[3]);
    mp_int_t nth = mp_obj_get_int(args[4]);
    if ((!wide && column.typecode != 'H') || start < 0 || end < start || (size_t)end > column.len / (wide ? 4 : 2)) {
        mp_raise_ValueError(MP_ERROR_TEXT("column"));
    }
    mp_int_t found = 0;
    for (mp_int_t i = start; i < end; i++) {
        mp_int_t there = wide ? (mp_int_t)((const uint32_t *)column.buf)[i] : ((const uint16_t *)column.buf)[i];
        if (there == value && found++ == nth) {
            return MP_OBJ_NEW_SMALL_INT(i);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1 - found);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(native_column_find_obj, 5, 5, native_column_find);
