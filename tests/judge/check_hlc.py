"""intention.json: hlc."""

from judge.cases import same
from lattice_core.model import hlc


def check(section, case, context):
    stamp, other, now_ms = tuple(case["self"]), tuple(case["other"]), case["now"]
    drift_ms = case["max_drift_ms"]
    same("now_hlc", [hlc.own_wall(now_ms, 0, 0), 0], case["now_hlc"])
    same("tick", list(hlc.tick(stamp, now_ms)), case["tick"])
    same("update", list(hlc.update(stamp, other, now_ms)), case["update"])
    same("clamp_future", list(hlc.clamp_future(stamp, other, now_ms, drift_ms)), case["clamp_future"])
    same("is_future", hlc.is_future(stamp, now_ms, drift_ms), case["is_future"])
    same("cmp", hlc.compare(stamp, other), case["cmp"])
