"""The recorders that run beside a platform on one machine, and the made-up feeds beside a simulated venue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from huracan_platform.settings import export, load_settings
from huracan_platform.venues.microstructure import EXCHANGES

if TYPE_CHECKING:
    from huracan_platform.cli.world import World

HURACAN = ("-m", "huracan_platform.cli.main")
FEEDS = {"synthetic-news": "news.rss", "synthetic-forum": "forum.atom", "synthetic-posts": "posts.json"}


def start_recorders(world: World, *, sentiment_poll_s: str | None = None) -> dict[str, list[str]]:
    """Start what records; with a simulated venue and no feeds in the settings, synthetic ones to record from.

    Returns the arguments of each recorder by the name of its process.

    `sentiment_poll_s` stands in where the settings were not told how often to look; None: as they are.
    """
    sentiment = world.settings.sentiment
    if sentiment_poll_s is not None and "poll_s" not in sentiment.model_fields_set:
        export({"HURACAN_SENTIMENT__POLL_S": sentiment_poll_s})
    if world.settings.venue.kind == "simulated" and not sentiment.has_sources:
        url = world.processes.start("feeds", [*HURACAN, "feeds"], ready="feeds ready").split()[-1]
        feeds = {name: f"{url}/{path}" for name, path in FEEDS.items()}
        export({"HURACAN_SENTIMENT__FEEDS": json.dumps(feeds), "HURACAN_SENTIMENT__FEAR_GREED_URL": f"{url}/fng/?limit=30"})
    sentiment = load_settings().sentiment
    recorded = ["liquidations", "book"] if world.settings.venue.ccxt_id in EXCHANGES else ["liquidations"]
    if sentiment.has_sources:
        recorded.append("sentiment")
    commands = {f"record-{what}": [*HURACAN, "record", what] for what in recorded}
    for name, arguments in commands.items():
        world.processes.start(name, arguments)
    return commands
