"""Processor time of the programs that a benchmark starts."""

import resource


def ended_cpu_s():
    """Seconds of processor time that all programs took which this one has started and which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
