"""The stylised facts as one picture: twelve panels, the synthetic market beside a recorded one where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from huracan_platform.simulator.facts import measures
from huracan_platform.simulator.facts.forced import AROUND_STEPS, STEP_MINUTES, around_cascades
from huracan_platform.simulator.market.bars import F64, ListedSymbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any

Named = Mapping[str, ListedSymbol]  # one symbol of each market by the market's name
COLOURS = ("tab:blue", "tab:orange", "tab:green")


def draw_facts(markets: Named, peers: Mapping[str, Named], kind: str) -> bytes:
    """All panels of one symbol, `kind` "png" or "svg".

    `markets` the symbol in each market by the market's name; `peers` all symbols of each market by name, for the correlation
    between symbols.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "facts", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(14, 14), layout="constrained", dpi=90)
        axes = figure.subplots(4, 3).ravel()
        panels = (
            _density, _tail, _kurtosis, _absolute_acf, _plain_acf, _leverage, _volume, _season, _funding, _around, _sizes,
        )
        for panel, ax in zip(panels, axes, strict=False):
            panel(ax, markets)
        _between(axes[-1], peers)
        for ax in axes:
            if ax.get_legend_handles_labels()[1]:
                ax.legend(frameon=False)
        out = BytesIO()
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


def _standardised(listed: ListedSymbol) -> F64:
    r = measures.log_returns(listed)
    return np.asarray((r - r.mean()) / r.std(), dtype=np.float64)


def _density(ax: Axes, markets: Named) -> None:
    edges = np.linspace(-15, 15, 121)
    middle = (edges[1:] + edges[:-1]) / 2
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        z = _standardised(listed)
        share = np.histogram(z, edges)[0] / len(z) / np.diff(edges)
        ax.semilogy(middle[share > 0], share[share > 0], color=colour, label=name)
    ax.semilogy(middle, np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi), "k--", linewidth=0.8, label="normal")
    ax.set(title="Fat tails: density of minute returns", xlabel="standard deviations", ylim=(1e-7, 2))


def _tail(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        z = np.sort(np.abs(_standardised(listed)))[::-1]
        ax.loglog(z, np.arange(1, len(z) + 1) / len(z), color=colour, label=f"{name}, index {measures.hill_index(z):.1f}")
    guide = np.array([3.0, 60.0])
    ax.loglog(guide, 0.01 * (guide / 3.0) ** -3.0, "k--", linewidth=0.8, label="index 3")
    ax.set(title="Tail of absolute minute returns", xlabel="standard deviations", ylabel="share above")
    ax.set(xlim=(0.5, 100), ylim=(1e-6, 1))


def _kurtosis(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        values = [measures.excess_kurtosis(measures.log_returns(listed, m)) for m in measures.HORIZONS.values()]
        ax.plot(list(measures.HORIZONS), values, "o-", color=colour, label=name)
    ax.axhline(0, color="k", linewidth=0.8, linestyle="--", label="normal")
    ax.set(title="Aggregational normality: excess kurtosis by horizon", yscale="symlog")


def _acf(ax: Axes, markets: Named, title: str, absolute: bool) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        r = measures.log_returns(listed)
        values = measures.autocorrelation(np.abs(r) if absolute else r, measures.LAGS)
        ax.semilogx(measures.LAGS, values, color=colour, label=name)
    ax.axhline(0, color="k", linewidth=0.8)
    ax.set(title=title, xlabel="minutes")


def _absolute_acf(ax: Axes, markets: Named) -> None:
    _acf(ax, markets, "Volatility clustering: autocorrelation of |r|", True)


def _plain_acf(ax: Axes, markets: Named) -> None:
    _acf(ax, markets, "Autocorrelation of r", False)
    ax.set_ylim(-0.1, 0.1)


def _leverage(ax: Axes, markets: Named) -> None:
    lags = np.arange(-10, 11)
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        ax.plot(lags, measures.leverage_effect(listed, lags), "o-", markersize=3, color=colour, label=name)
    ax.axhline(0, color="k", linewidth=0.8)
    ax.set(title="Leverage effect: day's return with log variance of another day", xlabel="days later")


def _volume(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        absolute, volume = measures.moves_and_volumes(listed)
        parts = np.array_split(np.argsort(volume, kind="stable"), 20)
        means = [(volume[p].mean() / volume.mean(), absolute[p].mean() / absolute.mean()) for p in parts]
        ax.loglog(*np.array(means).T, "o-", markersize=3, color=colour, label=name)
    ax.set(title="Volume and volatility", xlabel="volume of the minute over its mean", ylabel="|r| over its mean")


def _season(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        season = measures.hourly_season(listed)
        ax.plot(season[:, 0], color=colour, label=f"{name}, |r|")
        ax.plot(season[:, 1], color=colour, linestyle=":", label=f"{name}, volume")
    ax.set(title="Season of the day, over the mean", xlabel="hour, UTC", ylim=(0, None))


def _funding(ax: Axes, markets: Named) -> None:
    edges = np.linspace(-5, 6, 56)
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        bps = np.clip(listed.funding.rate * 1e4, edges[0], edges[-1])
        label = name if len(bps) else f"{name}: not recorded"
        ax.stairs(np.histogram(bps, edges)[0] / max(1, len(bps)), edges, fill=True, alpha=0.5, color=colour, label=label)
    ax.set(title="Funding rates", xlabel="bps per settlement", ylabel="share")


def _around(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        cascade = around_cascades(listed)
        if cascade is None:
            ax.plot([], [], color=colour, label=f"{name}: not recorded")
            continue
        minutes = AROUND_STEPS * STEP_MINUTES
        ax.plot(minutes, 100 * cascade.log_interest, color=colour, label=f"{name}, open interest")
        ax.plot(minutes, 100 * cascade.log_price, color=colour, linestyle=":", label=f"{name}, price (falls)")
    ax.set(title="Around the largest liquidations, mean", xlabel="minutes", ylabel="%")


def _sizes(ax: Axes, markets: Named) -> None:
    for (name, listed), colour in zip(markets.items(), COLOURS, strict=False):
        if listed.liquidations is None:
            ax.plot([], [], color=colour, label=f"{name}: not recorded")
            continue
        value = listed.liquidations.lots * listed.liquidations.price_ticks * measures.value_of_tick_and_lot(listed)
        value = np.sort(value)[::-1]
        ax.loglog(value, np.arange(1, len(value) + 1) / len(value), color=colour, label=name)
    ax.set(title="Sizes of liquidations", xlabel="USDT", ylabel="share above")


def _between(ax: Axes, peers: Mapping[str, Named]) -> None:
    for (name, symbols), colour in zip(peers.items(), COLOURS, strict=False):
        first, *others = symbols.items()
        for (other, listed), style in zip(others, ("-", "--", ":", "-."), strict=False):
            values = [measures.cross_correlation(first[1], listed, m) for m in measures.HORIZONS.values()]
            ax.plot(list(measures.HORIZONS), values, style, marker="o", color=colour, label=f"{name}, {first[0]} and {other}")
    ax.set(title="Correlation between symbols by horizon", ylim=(0, 1))
