"""Small durable writes wear the flash evenly: a sample of the campaign (campaign_wear.py), on a chip of 1 MiB."""

import pytest

from emulator import campaign_wear


@pytest.mark.parametrize(("fill", "with_records"), [(51, 0), (51, 1)])
def test_no_block_is_worn_before_the_others(fill, with_records, tmp_path):
    """A little over half full: where littlefs moves every block but the root's."""
    report = campaign_wear.wear(256, 12000, fill, with_records, 3000, 7, tmp_path)
    assert report["hottest"] <= campaign_wear.HOTTEST * report["mean"], report
    assert max(report["root"]) <= report["mean"], report
