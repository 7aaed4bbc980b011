"""Signed REST of the account: wallet, settings, fees, transaction log, and what its key may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit import asked
from huracan_platform.simulator.bybit.asked import SETTLED_IN, Asked
from huracan_platform.simulator.bybit.client import BybitClient
from huracan_platform.simulator.bybit.problems import refusal, wrong
from huracan_platform.simulator.exchange.account import MAKER_FEE, TAKER_FEE
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.venue import Venue

Result = dict[str, Any]
UNIFIED_STATUS = 6  # unified account 2.0 pro
CROSS = "REGULAR_MARGIN"


@dataclass(frozen=True)
class AccountEndpoints:
    """Handlers by path; each takes the client and what it sent, and returns the result."""

    venue: Venue
    matching: Matching

    def wallet(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/account/wallet-balance"""
        self.matching.advance()
        if sent.get("accountType") != "UNIFIED":
            raise wrong("accountType only support UNIFIED.")
        wallet = client.view.wallet()
        wanted = sent.get("coin", "")
        wallet["coin"] = [coin for coin in wallet["coin"] if not wanted or coin["coin"] in wanted.split(",")]
        return {"list": [wallet]}

    def info(self, _client: BybitClient, _sent: Asked) -> Result:
        """GET /v5/account/info"""
        return {
            "marginMode": CROSS, "updatedTime": str(self.venue.market.start_ms), "unifiedMarginStatus": UNIFIED_STATUS,
            "dcpStatus": "OFF", "timeWindow": 10, "smpGroup": 0, "isMasterTrader": False, "spotHedgingStatus": "OFF",
        }

    def set_margin_mode(self, _client: BybitClient, sent: Asked) -> Result:
        """POST /v5/account/set-margin-mode: cross is all there is."""
        if sent.get("setMarginMode") != CROSS:
            raise refusal(110073, "Set margin mode failed")
        return {"reasons": []}

    def fee_rate(self, _client: BybitClient, sent: Asked) -> Result:
        """GET /v5/account/fee-rate"""
        names = asked.symbols({"category": asked.LINEAR, **sent}, self.venue)
        rates = {"takerFeeRate": plain(TAKER_FEE), "makerFeeRate": plain(MAKER_FEE)}
        return {"category": sent.get("category", asked.LINEAR), "list": [{"symbol": s, **rates, "baseCoin": ""} for s in names]}

    def transaction_log(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/account/transaction-log: newest first; the last day unless times are sent."""
        self.matching.advance()
        since, until = asked.window(sent, self.matching.cursor_ms, DAY_MS, 7 * DAY_MS)
        kind, symbols = sent.get("type", ""), asked.symbols({"category": asked.LINEAR, **sent}, self.venue)
        found = [
            row for row in reversed(client.view.log())
            if kind in ("", row["type"]) and sent.get("currency", SETTLED_IN) == SETTLED_IN and row["symbol"] in symbols
            and since <= int(row["transactionTime"]) <= until
        ]
        rows, cursor = asked.page(sent, found, asked.rows(sent, 20, 50))
        return {"list": rows, "nextPageCursor": cursor}

    def key(self, client: BybitClient, _sent: Asked) -> Result:
        """GET /v5/user/query-api: a key of a unified account that may trade and may not withdraw."""
        return {
            "id": "1", "note": "", "apiKey": client.name, "readOnly": 0, "secret": "", "ips": ["*"], "type": 1, "deadlineDay": 90,
            "permissions": {
                "ContractTrade": ["Order", "Position"], "Spot": [], "Wallet": [], "Options": [],
                "Derivatives": ["DerivativesTrade"], "CopyTrading": [],
                "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [], "Earn": [],
            },
            "expiredAt": "2099-01-01T00:00:00Z", "createdAt": "2025-01-01T00:00:00Z", "unified": 0, "uta": 1, "userID": 1,
            "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0, "rsaPublicKey": "", "isMaster": True,
            "parentUid": "0", "kycLevel": "", "kycRegion": "",
        }
