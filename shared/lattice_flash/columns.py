"""Searching a column of numbers: in C where the interpreter has `lattice_native`, else here. Same results."""

try:
    from lattice_native import column_find
except ImportError:

    def column_find(column, value, start, end, nth):
        """Index of the `nth` (0-based) element equal to `value` in column[start:end], or -1 - (how many were found).

        `column` is an array of u16 ("H") or u32 ("I").
        """
        found = 0
        for i in range(start, end):
            if column[i] == value:
                if found == nth:
                    return i
                found += 1
        return -1 - found
