"""`freqtrade download-data` in a process of its own, timed without its start-up. Run by the Python that has freqtrade.

    python freqtrade_download.py URL USER_DIRECTORY FIRST_DAY DAY_AFTER SYMBOL…

Says `ready` when configuration, exchange and markets are loaded. Then for every line on its standard input it deletes what
it downloaded before, downloads 1-minute futures candles into feather files, and prints a line of JSON: wall and CPU seconds.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import ccxt
from freqtrade.commands import Arguments
from freqtrade.configuration import setup_utils_configuration
from freqtrade.data.history.history_utils import download_data
from freqtrade.enums import RunMode
from freqtrade.resolvers.exchange_resolver import ExchangeResolver

EXCHANGE = "binance"
# Its default for this exchange is 499, chosen for the request weight; without limits the largest page that ccxt passes on
# is the fastest, so it gets that.
PAGE_BARS = 1_000


def moved(tree: Any, netloc: str) -> Any:
    """Every URL of a nested mapping, at another host."""
    if isinstance(tree, str):
        parts = urlsplit(tree)
        return urlunsplit(("ws" if parts.scheme in ("ws", "wss") else "http", netloc, parts.path, "", ""))
    return {name: moved(branch, netloc) for name, branch in tree.items()}


def configuration(url: str, folder: Path, symbols: list[str]) -> dict[str, Any]:
    """What freqtrade needs to know; its rate limiter is off, and nothing but candles is fetched."""
    client = {
        "urls": {"api": moved(getattr(ccxt, EXCHANGE)().urls["api"], urlsplit(url).netloc)},
        "enableRateLimit": False,
        "options": {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": ["linear"]}},
    }
    return {
        "dry_run": True, "trading_mode": "futures", "margin_mode": "isolated", "stake_currency": "USDT", "stake_amount": 10,
        "max_open_trades": 1, "dataformat_ohlcv": "feather", "user_data_dir": str(folder),
        "entry_pricing": {"price_side": "other"}, "exit_pricing": {"price_side": "other"},
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": {
            "name": EXCHANGE, "key": "", "secret": "", "enable_ws": False, "ccxt_config": client,
            "only_from_ccxt": True,  # not from the public archive, which no local venue has
            "_ft_has_params": {"ohlcv_candle_limit": PAGE_BARS}, "pair_whitelist": symbols,
        },
    }


def main() -> None:
    url, folder, first, after, symbols = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:]
    logging.disable(logging.WARNING)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # its progress bars, until the process ends
    settings = folder / "config.json"
    settings.write_text(json.dumps(configuration(url, folder, symbols)))
    command = ["download-data", "-c", str(settings), "--userdir", str(folder), "--timeframes", "1m", "--candle-types", "futures"]
    arguments = Arguments([*command, "--timerange", f"{first}-{after}"]).get_parsed_arg()
    config = setup_utils_configuration(arguments, RunMode.UTIL_EXCHANGE)
    exchange = ExchangeResolver.load_exchange(config, validate=False)
    exchange.reload_markets(True)
    print("ready", flush=True)
    for _ in sys.stdin:
        shutil.rmtree(folder / "data" / EXCHANGE / "futures", ignore_errors=True)
        (folder / "data" / EXCHANGE / "futures").mkdir(parents=True)
        wall, cpu = time.perf_counter(), time.process_time()
        download_data(config, exchange)
        print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
