"""A sample of the meshes of mesh.py; `make campaign-sim` runs 1,000, `tools/simulate.py --seed N` one."""

import pytest

from sim.mesh import Mesh


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_node_ends_with_the_same_state(seed):
    counts = Mesh(seed).run()
    assert counts.joins >= 19
    assert counts.gaps
    assert counts.restarts


def test_a_seed_gives_the_same_run_again():
    assert vars(Mesh(3, 8).run(60)) == vars(Mesh(3, 8).run(60))


def test_nodes_that_differ_are_noticed():
    mesh = Mesh(5, 4)
    mesh.run(20)
    node = mesh.nodes[0]
    node.tree.get(mesh.data_id).kv.put(b"late", b"v", mesh.now_ms)
    node.journal.commit(mesh.now_ms)
    with pytest.raises(AssertionError, match="seed 5"):
        mesh._check()
