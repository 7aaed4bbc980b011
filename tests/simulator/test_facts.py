"""Stylised facts: the measures on series whose answer is known, the synthetic market's ranges, and the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.simulator.facts import measures
from huracan_platform.simulator.facts.forced import AROUND_STEPS, around_cascades, liquidation_facts
from huracan_platform.simulator.facts.page import compose_page, told
from huracan_platform.simulator.facts.table import numbers
from huracan_platform.simulator.market.bars import F64
from huracan_platform.simulator.market.synthetic import generate_symbol
from tests.simulator.markets import START_MS, listed

LAG = np.array([1])


def walk(returns: F64) -> list[tuple[int, int, int, int, int]]:
    price = np.rint(1e7 * np.exp(np.cumsum(returns))).astype(int)
    return [(p, p, p, p, 10 + i % 3) for i, p in enumerate(price)]


def test_a_normal_series_has_no_excess_kurtosis_and_no_memory() -> None:
    values = np.random.default_rng(1).standard_normal(200_000)
    assert measures.excess_kurtosis(values) == pytest.approx(0, abs=0.05)
    assert measures.autocorrelation(values, LAG)[0] == pytest.approx(0, abs=0.01)
    assert measures.hill_index(values) > 6


def test_hills_estimate_finds_the_index_of_a_pareto_tail() -> None:
    assert measures.hill_index(np.random.default_rng(2).random(400_000) ** (-1 / 3)) == pytest.approx(3, rel=0.05)


def test_kurtosis_of_too_few_values_is_unknown() -> None:
    assert np.isnan(measures.excess_kurtosis(np.array([1.0, 2.0])))


def test_returns_across_a_gap_are_left_out() -> None:
    symbol = listed(walk(np.array([0.0, 0.01, 0.02, 0.03])))
    symbol.bars.ts_ms[2:] += 60_000
    assert measures.log_returns(symbol) == pytest.approx([0.01, 0.03], rel=1e-4)


def test_the_leverage_effect_is_negative_where_falls_come_before_volatile_days() -> None:
    rng = np.random.default_rng(3)
    days = rng.standard_normal(60)
    minutes = [rng.standard_normal(1_440) * 1e-4 * np.exp(-0.5 * days[i - 1]) + 1e-5 * days[i] for i in range(60)]
    symbol = listed(walk(np.concatenate([[0.0], *minutes])))
    assert measures.leverage_effect(symbol, LAG)[0] < -0.3
    assert np.isnan(measures.leverage_effect(symbol, np.array([59]))[0])


def test_the_same_prices_are_perfectly_correlated() -> None:
    symbol = listed(walk(np.random.default_rng(4).standard_normal(2_000) * 1e-3))
    assert measures.cross_correlation(symbol, symbol, 60) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8, 9])
@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL"])
def test_a_year_of_the_synthetic_market_has_the_documented_facts(base: str, seed: int) -> None:
    symbol, _ = generate_symbol(base, seed, START_MS, 360 * 1_440)
    facts = numbers(symbol)
    assert 10 < facts["excess kurtosis, 1m"] < 120
    assert 7 < facts["excess kurtosis, 1h"] < 60
    assert 0.5 < facts["excess kurtosis, 1d"] < 12
    assert facts["excess kurtosis, 1d"] < facts["excess kurtosis, 1h"]
    assert 2.8 < facts["tail index (Hill, largest 0.5 %)"] < 4.0
    assert 20 < facts["largest minute, in sd"] < 90
    assert abs(facts["autocorrelation of r, 1m"]) < 0.04
    assert 0.24 < facts["autocorrelation of |r|, 1m"] < 0.36
    assert 0.18 < facts["autocorrelation of |r|, 1h"] < 0.32
    assert 0.03 < facts["autocorrelation of |r|, 1d"] < 0.13
    assert 0.4 < facts["|r| with log volume"] < 0.6
    assert 0.8 < facts["funding mean, bps"] < 1.2
    assert 0.85 < facts["funding sd, bps"] < 1.25
    assert 0.004 < facts["liquidated of volume"] < 0.02
    assert 0.01 < facts["liquidated of open interest, a day"] < 0.04
    assert 300 < facts["liquidations a day"] < 2_000
    assert 0.03 < facts["liquidated on the busiest 1 % of days"] < 0.3
    cascade = around_cascades(symbol)
    assert cascade is not None
    start, hour = int(np.flatnonzero(AROUND_STEPS == -1)[0]), int(np.flatnonzero(AROUND_STEPS == 12)[0])
    assert cascade.log_interest[hour] - cascade.log_interest[start] < -0.03
    assert cascade.log_price[hour] - cascade.log_price[start] < -0.01


def test_what_was_not_recorded_is_told_as_such() -> None:
    symbol = listed(walk(np.random.default_rng(5).standard_normal(12 * 1_440) * 1e-4))
    assert liquidation_facts(symbol) is None
    assert around_cascades(symbol) is None
    facts = numbers(symbol)
    assert [told(facts[name]) for name in ("liquidated of volume", "funding mean, bps")] == ["–", "–"]
    page = compose_page("Facts", {"A": facts}, ["A: nothing of <this>"], b"<?xml?><svg></svg>")
    assert "A: nothing of &lt;this&gt;" in page
    assert "<td>liquidated of volume</td><td>–</td>" in page


def huracan(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "huracan_platform.cli.main", "stylised-facts", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_the_command_writes_one_page_that_needs_nothing_else(tmp_path: Path) -> None:
    output, recorded = tmp_path / "facts.html", tmp_path / "recorded"
    recorded.mkdir()
    symbol, _ = generate_symbol("BTC", 3, START_MS, 20 * 1_440)
    rows = zip(
        symbol.bars.ts_ms, *(getattr(symbol.bars, n) / 10 for n in ("open", "high", "low", "close")), symbol.bars.volume / 1_000,
        strict=True,
    )
    lines = ["ts,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
    (recorded / "BTCUSDT_1m_ohlcv.csv").write_text("\n".join(lines) + "\n")
    done = huracan("--seed", "3", "--days", "20", "--symbols", "BTCUSDT", "--recorded", str(recorded), "--output", str(output))
    assert done.returncode == 0, done.stderr
    assert "excess kurtosis, 1h" in done.stdout
    page = output.read_text()
    assert page.count("<svg") == 1
    assert "BTCUSDT recorded" in page
    assert "BTCUSDT: no funding recorded" in page
    assert "Where the synthetic market differs" in page
    assert not re.search(r'(src|href)="(http|//|/)', page)


def test_an_output_of_another_kind_is_refused(tmp_path: Path) -> None:
    done = huracan("--output", str(tmp_path / "facts.pdf"))
    assert (done.returncode, "expected a file that ends in .html, .png or .svg" in done.stderr) == (78, True)
