"""What a repair could not repair, as an incident per dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import SystemClock
from huracan_platform.data.market_data.repair import Repaired
from huracan_platform.operations.check_incidents import CheckOutcome, CheckWatch

REPAIR_ASSET, REPAIR_CHECK = "data_repair", "everything_repaired"
MOST_NAMED = 10


def by_dataset(found: Sequence[tuple[str, str]], datasets: Sequence[str]) -> Mapping[str, str]:
    """One text per dataset out of (dataset, text), empty where there is none; a long list is cut."""
    texts = {name: [text for of, text in found if of == name] for name in datasets}
    return {
        name: "; ".join(told[:MOST_NAMED]) + (f"; and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else "")
        for name, told in texts.items()
    }


def tell_repair(brain: Brain, left: Sequence[Repaired], ui: str) -> None:
    """Open an incident for each dataset of which something is left, as the nightly repair's check would."""
    told = by_dataset([(one.finding.dataset, str(one)) for one in left], list({one.finding.dataset: "" for one in left}))
    whole = CheckOutcome(REPAIR_ASSET, REPAIR_CHECK, False, False, "", "", "", SystemClock().wire_ms())
    CheckWatch(brain, ui).take(whole.by_partition(told))
