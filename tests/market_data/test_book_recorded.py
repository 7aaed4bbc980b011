"""Six recorded minutes of a real book, its best prices and trades, against plain reckoning in pandas."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from huracan_platform.contracts.microstructure import (
    BOOK_SECOND_COLUMNS,
    DEPTH_BPS,
    TRADE_SECOND_COLUMNS,
    DepthUpdate,
    Quote,
    Trade,
)
from huracan_platform.data.market_data.book.local_book import LocalBook
from huracan_platform.data.market_data.book.summary import BookSummary
from huracan_platform.data.market_data.microstructure.runs import Run
from huracan_platform.data.market_data.trades.seconds import trade_seconds
from huracan_platform.data.market_data.trades.summary import TradeSummary, as_arrays
from tests.recorded import recording

BTC = "BTC/USDT:USDT"
Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Depth differences with a snapshot of 1000 levels among them, best prices, trades; `ms` and `recv_ms` the two times."""
    folder = recording("hft_l2_2024_08")
    found = {name: pd.read_parquet(folder / f"BTCUSDT_{name}.parquet") for name in ("depth", "bbo", "trades")}
    for frame in found.values():
        frame["ms"] = frame["ts"].astype("datetime64[ms, UTC]").astype("int64")
        frame["recv_ms"] = frame["recv_ns"] // 1_000_000
    return found


def depths(depth: pd.DataFrame) -> Iterator[tuple[int, DepthUpdate]]:
    first = np.flatnonzero((depth.u.diff() != 0) | (depth.snapshot.diff() != 0))
    values = {name: depth[name].to_numpy() for name in ("recv_ns", "ms", "u", "pu", "snapshot", "side", "price", "size")}
    for at, stop in zip(first, [*first[1:], len(depth)], strict=True):
        recv_ns, ms, last, previous, snapshot = (int(values[name][at]) for name in ("recv_ns", "ms", "u", "pu", "snapshot"))
        levels = list(zip(*(values[name][at:stop].tolist() for name in ("side", "price", "size")), strict=True))
        bids, asks = (tuple((price, base) for of, price, base in levels if of == side) for side in "ba")
        yield recv_ns, DepthUpdate(BTC, ms, previous + 1, last, previous, bids, asks, bool(snapshot))


@pytest.fixture(scope="module")
def messages(frames: Frames) -> list[DepthUpdate | Quote | Trade]:
    """All three streams in the order in which they were received."""
    told: list[tuple[int, DepthUpdate | Quote | Trade]] = list(depths(frames["depth"]))
    told += [
        (r.recv_ns, Quote(BTC, r.ms, r.u, r.bid, r.bid_size, r.ask, r.ask_size)) for r in frames["bbo"].itertuples()
    ]
    told += [
        (r.recv_ns, Trade(BTC, r.ms, r.trade_id, r.price, r.size, r.side == "buy", r.trade_id, r.trade_id))
        for r in frames["trades"].itertuples()
    ]
    return [message for _, message in sorted(told, key=lambda one: one[0])]


@pytest.fixture(scope="module")
def runs(messages: list[DepthUpdate | Quote | Trade]) -> dict[str, list[Run]]:
    """The messages summed one by one as the recorder does, time being the newest time told."""
    found: dict[str, list[Run]] = {"book": [], "trades": []}
    book = BookSummary(BTC, LocalBook(1000, 5000), found["book"], settle_ms=250)
    trades = TradeSummary(BTC, found["trades"], settle_ms=250, correct_ms=60_000)
    newest, past = 0, deque[int]()
    for message in messages:
        newest = max(newest, message.ts_ms)
        if isinstance(message, Trade):
            trades.hear(message, newest)
        else:
            book.hear(message, newest)
        if not past or newest - past[-1] >= 250:
            past.append(newest)
            if past[0] <= newest - 3_000:
                settled = past.popleft()
                book.advance(settled, newest)
                trades.advance(settled, newest)
    assert (book.late, book.duplicates, trades.late, trades.duplicates) == (0, 0, 0, 0)
    return found


def columns(run: Run, names: tuple[str, ...]) -> pd.DataFrame:
    parts = [one.seconds for one in run.finished]
    values = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("ts_ms", *names)}
    return pd.DataFrame(values).set_index("ts_ms")


def test_the_book_kept_from_differences_has_the_best_prices_that_the_venue_tells_at_every_update(
    frames: Frames, messages: list[DepthUpdate | Quote | Trade]
) -> None:
    book, told = LocalBook(1000, 5000), frames["bbo"][["bid", "bid_size", "ask", "ask_size"]].to_numpy()
    numbers = frames["bbo"].u.to_numpy()
    summary, compared, agreed = BookSummary(BTC, book, [], settle_ms=0), 0, 0
    for update in (m for m in messages if isinstance(m, DepthUpdate)):
        summary.hear(update, update.ts_ms)
        at = int(np.searchsorted(numbers, update.last_id, side="right")) - 1
        if summary.needs_snapshot or update.snapshot or at < 0:
            continue
        compared += 1
        agreed += book.best() == (tuple(told[at, :2]), tuple(told[at, 2:]))
    assert (agreed, compared) == (6545, 6545)


def test_best_prices_and_order_flow_are_those_of_a_loop_over_all_quotes(frames: Frames, runs: dict[str, list[Run]]) -> None:
    (run,) = runs["book"]
    assert run.until_ms - run.began_ms == 343_000
    rows, flow, before = columns(run, BOOK_SECOND_COLUMNS), dict[int, float](), None
    for now in frames["bbo"].itertuples():
        if before is not None:
            e = (now.bid_size if now.bid >= before.bid else 0.0) - (before.bid_size if now.bid <= before.bid else 0.0)
            e += (before.ask_size if now.ask >= before.ask else 0.0) - (now.ask_size if now.ask <= before.ask else 0.0)
            flow[now.ms // 1000 * 1000] = flow.get(now.ms // 1000 * 1000, 0.0) + e
        before = now
    expected = pd.Series(flow).reindex(rows.index).fillna(0.0)
    assert np.abs(rows["ofi_base"] - expected).max() < 1e-9
    last = frames["bbo"].groupby(frames["bbo"].ms // 1000 * 1000).last().reindex(rows.index).ffill()
    best = last[["bid", "ask", "bid_size", "ask_size"]]
    assert (rows[["bid", "ask", "bid_base", "ask_base"]].to_numpy() == best.to_numpy()).all()
    assert rows["updates"].sum() == frames["bbo"].ms.between(run.began_ms, run.until_ms - 1).sum()


def test_depth_is_that_of_the_levels_standing_at_each_second_s_end(frames: Frames, runs: dict[str, list[Run]]) -> None:
    depth = frames["depth"]
    snapshot = int(depth.u[depth.snapshot == 1].iloc[0])
    depth = depth[(depth.snapshot == 1) | (depth.u > snapshot)].sort_values("u", kind="stable")  # some came before the snapshot
    rows = columns(runs["book"][0], BOOK_SECOND_COLUMNS)
    for ts in rows.index[::20]:
        standing = depth[depth.ms < ts + 1000].groupby(["side", "price"])["size"].last()
        standing = standing[standing > 0]
        bids, asks = standing["b"], standing["a"]
        mid = (bids.index.max() + asks.index.min()) / 2
        for bps in DEPTH_BPS:
            near = bids[bids.index >= mid * (1 - bps / 1e4)]
            assert rows.loc[ts, f"bid_usd_{bps}bps"] == pytest.approx(float((near.index * near).sum()), rel=1e-9)
            near = asks[asks.index <= mid * (1 + bps / 1e4)]
            assert rows.loc[ts, f"ask_usd_{bps}bps"] == pytest.approx(float((near.index * near).sum()), rel=1e-9)
        best = asks.sort_index().iloc[:10]
        assert rows.loc[ts, "ask_usd_10_levels"] == pytest.approx(float((best.index * best).sum()), rel=1e-9)


def test_trades_are_those_of_a_plain_sum_and_of_the_whole_recording_at_once(
    frames: Frames, messages: list[DepthUpdate | Quote | Trade], runs: dict[str, list[Run]]
) -> None:
    (run,) = runs["trades"]
    rows, trades = columns(run, TRADE_SECOND_COLUMNS), frames["trades"]
    sums = trades.groupby([trades.ms // 1000 * 1000, "side"])["size"].sum().unstack().reindex(rows.index).fillna(0.0)
    assert np.abs(rows["buy_base"] - rows["sell_base"] - (sums["buy"] - sums["sell"])).max() < 1e-9
    assert rows["trades"].sum() == trades.ms.between(run.began_ms, run.until_ms - 1).sum()
    at_once = trade_seconds(as_arrays(BTC, [m for m in messages if isinstance(m, Trade)]), run.began_ms, run.until_ms)
    for name in TRADE_SECOND_COLUMNS:
        assert (rows[name].to_numpy() == getattr(at_once, name)).all(), name


def test_nothing_is_known_before_its_second_is_over(runs: dict[str, list[Run]]) -> None:
    for (run,) in runs.values():
        for one in run.finished:
            assert one.known_ms >= one.seconds.ts_ms[-1] + 1000
            assert one.known_ms < one.seconds.ts_ms[0] + 5_000
