"""weaver.json: submit. Own stamps are ours (row "Own stamps"), so hashes are not compared; what the calls lead to is.

A call with an unwitnessed dep is refused here (row "Own writes"): the reference forks its own chain with it.
"""

from judge.cases import FilledBody, expect, h, same
from judge.open_store import NOW_MS, OpenStore
from lattice_core.errors import UsageError

ZERO = bytes(32)


def check(section, case, context):
    opened = OpenStore(context.crypto, case, "core:kvstore", h(case["node_seed"]))
    made = {}
    for call in case["calls"]:
        # What is not given is as many zeros; the largest do not fit into a small heap.
        ops = h(call["ops"]) if call["ops"] is not None else FilledBody(b"", 0, call["ops_len"])
        deps = [h(dep) for dep in call["first_deps"]]
        if call["dep_count"]:
            deps = deps[: call["dep_count"]] + [deps[-1]] * (call["dep_count"] - len(deps))
        before = (opened.store.count, opened.store.head)
        try:
            intention = opened.weaver.submit(ops, deps, NOW_MS)
        except UsageError as error:
            unwitnessed = [dep for dep in deps if dep != ZERO and not opened.store.witness_sequence(dep)]
            expect("error" in call or unwitnessed, "refused: %s" % error)
            same("state", (opened.store.count, opened.store.head), before)
            continue
        expect("error" not in call and call["witnessed"], "written, the reference does not")
        made[call["index"]] = intention
        same("store_prev", intention.store_prev, expected_prev(made, call))
        same("counter", intention.counter, call["counter"])
        same("witnessed", opened.store.witness_sequence(intention.hash), opened.store.count)
        same("floating", opened.weaver.floating_count, 0)
        expect(intention.wall_ms > before_ms(made, call["index"]), "stamps do not rise")


def expected_prev(made, call):
    """The recorded predecessor."""
    return ZERO if call["store_prev"] == "zero" else made[call["store_prev"]].hash


def before_ms(made, index):
    return max([made[number].wall_ms for number in made if number < index] or [0])
