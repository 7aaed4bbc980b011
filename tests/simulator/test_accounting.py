"""Money, quantities and books under random trading: conserved to the last digit, never crossed, never undone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.simulator.trading import Trading, met, minutes_add_up

NO_LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=12, **NO_LIMITS)  # type: ignore[arg-type]
@given(seed=st.integers(0, 2**32 - 1))
def test_everything_adds_up_after_each_of_some_random_acts(seed: int) -> None:
    trading = Trading(seed, wallets=(30_000, 9_000))
    for _ in range(60):
        trading.step()
        trading.check()


@pytest.mark.slow
@settings(max_examples=2, phases=[Phase.generate], **NO_LIMITS)  # type: ignore[arg-type]
@given(seed=st.integers(0, 2**32 - 1))
def test_ten_thousand_random_orders_of_several_accounts_leave_nothing_unaccounted(seed: int) -> None:
    trading, steps = Trading(seed), 0
    while trading.placed < 10_000:
        trading.step()
        steps += 1
        if steps % 10 == 0:
            for keeper in trading.keepers:
                keeper.hear()
        if steps % 1_500 == 0:
            trading.check()
    trading.check()
    minutes_add_up(trading)
    accounts = [client.account for client in trading.clients]
    assert trading.taken > 3_000
    assert met(accounts) > 30  # 14 seeds gave 85 to 142
    assert sum(a.funding_paid != 0 for a in accounts) > 0
    assert trading.floor.matching.liquidations
