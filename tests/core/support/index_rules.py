"""What an index of intentions, chains or blobs does, against a list of (address, prefix, tag)."""

from lattice_flash.layout import EMPTY
from support import Rng


def check_items(items):
    rng = Rng(4)
    model = []
    for _ in range(600):
        dice = rng.below(10)
        if dice < 5:
            row = (rng.below(1 << 24), rng.below(20), rng.below(3))
            items.append(*row)
            model.append(row)
        elif dice < 7 and model:
            index = rng.below(len(model))
            if model[index][0] != EMPTY:
                items.remove(index)
                model[index] = (EMPTY,) + model[index][1:]
                if all(row[0] == EMPTY for row in model):
                    model = []
        elif dice == 7:
            items.squeeze()
            model = [row for row in model if row[0] != EMPTY]
        elif model:
            index = rng.below(len(model))
            if dice == 8:
                model[index] = model[index][:2] + (rng.below(3),)
                items.retag(index, model[index][2])
            elif model[index][0] != EMPTY:
                model[index] = (rng.below(1 << 24), rng.below(20), rng.below(3))
                items.set(index, *model[index])
        _compare(items, model, rng)


def _compare(items, model, rng):
    start = rng.below(len(model) + 1)
    prefix = rng.below(20)
    wanted = [i for i in range(start, len(model)) if model[i][1] == prefix]
    assert items.find(prefix, start) == (wanted[0] if wanted else -1)
    tagged = [i for i in range(len(model)) if model[i][2] == 1]
    nth = rng.below(12)
    assert items.nth_tag(1, nth) == (tagged[nth] if nth < len(tagged) else -1)
    end = rng.below(len(model) + 1)
    assert items.count_tags(1, end) == len([i for i in tagged if i < end])
    assert items.count == len(model)
    assert items.alive == len([row for row in model if row[0] != EMPTY])
