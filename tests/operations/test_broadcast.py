"""Every incident told once per channel, in order, whatever Slack does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import SecretStr

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import WINDOW, IncidentRepository
from huracan_platform.brain.operations.outbox import Outbox
from huracan_platform.clock import ManualClock, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.operations.broadcast.broadcaster import REFUSED_WAIT_S, SETTLE, Broadcaster
from huracan_platform.operations.broadcast.slack import SlackBot, SlackWebhook
from tests.fakes.slack_server import TOKEN, SlackServer, slack_server

NOW = 1_735_689_600_000


def incident(key: str = "check|candles|completeness", title: str = "candles: completeness failed", **more: object) -> Incident:
    return Incident("check_failed", IncidentSeverity.WARNING, key, title, **more)  # type: ignore[arg-type]


@dataclass
class Desk:
    """A broadcaster with a bot and a webhook on one local Slack, and a clock to turn."""

    slack: SlackServer
    clock: ManualClock
    incidents: IncidentRepository
    broadcaster: Broadcaster

    def now(self) -> object:
        return to_datetime(self.clock.wire_ms())

    def open(self, found: Incident) -> bool:
        return self.incidents.open_incident(to_datetime(self.clock.wire_ms()), found)

    def resolve(self, *keys: str) -> int:
        return self.incidents.resolve(to_datetime(self.clock.wire_ms()), keys)

    def later(self, seconds: float) -> int:
        """Let time pass and deliver."""
        self.clock.advance(int(seconds * 1000))
        return self.broadcaster.step()

    def texts(self) -> list[str]:
        return [post["text"] for post in self.slack.posts]


@pytest.fixture
def desk(brain: Brain) -> Iterator[Desk]:
    clock = ManualClock(NOW)
    with slack_server() as slack:
        bot = SlackBot(SecretStr(TOKEN), "C1", f"{slack.url}/api/")
        webhook = SlackWebhook(SecretStr(f"{slack.url}/services/T/B/x"))
        yield Desk(slack, clock, IncidentRepository(brain), Broadcaster(brain, [bot, webhook], clock))


def test_an_incident_is_told_once_with_all_that_is_known(desk: Desk) -> None:
    found = incident(
        asset="candles", partition="2025-03-01", symbol="BTC/USDT:USDT", rule="completeness", observed="1437", expected="1440",
        counts={"missing": 3}, first_bad="03:00", last_bad="03:02", sample=({"ts": "03:00", "close": "<none>"},),
        trading_effect="features skip the day", action_taken="day quarantined", links={"run": "http://ui/runs/1"},
    )
    assert desk.open(found) is True
    assert desk.later(5) == 1
    assert desk.later(60) == 0
    post, = desk.slack.posts
    assert post["channel"] == "C1"
    assert post["text"] == "WARNING: candles: completeness failed"
    told = str(post["blocks"])
    for part in (
        "2025-03-01", "BTC/USDT:USDT", "*Rule*\\ncompleteness", "1437", "1440", "3 missing", "03:00 – 03:02", "&lt;none&gt;",
        "features skip the day", "day quarantined", "<http://ui/runs/1|run>", found.dedupe_key,
    ):
        assert part in told, part
    assert desk.slack.webhook_posts == []


def test_the_same_trouble_again_is_counted_and_not_told(desk: Desk) -> None:
    assert [desk.open(incident()) for _ in range(3)] == [True, False, False]
    assert desk.later(5) == 1
    row, = desk.incidents.open()
    assert row.occurrences == 3


def test_its_end_is_told_in_the_thread_of_its_opening(desk: Desk) -> None:
    desk.open(incident())
    desk.later(5)
    assert desk.resolve(incident().dedupe_key) == 1
    assert desk.later(5) == 1
    opening, end = desk.slack.posts
    assert end["thread_ts"] == opening["ts"]
    assert end["text"] == "Resolved: candles: completeness failed"
    assert desk.resolve(incident().dedupe_key) == 0


def test_trouble_that_flaps_is_told_once_an_hour(desk: Desk) -> None:
    for _ in range(6):
        desk.open(incident())
        desk.later(60)
        desk.resolve(incident().dedupe_key)
        desk.later(60)
    assert desk.texts() == ["WARNING: candles: completeness failed", "Resolved: candles: completeness failed"]
    desk.open(incident())
    desk.later(WINDOW.total_seconds())
    assert len(desk.slack.posts) == 3


def test_a_limit_is_honoured_to_the_second(desk: Desk) -> None:
    desk.slack.trouble = "limited"
    desk.open(incident())
    desk.later(5)
    desk.slack.trouble = ""
    assert desk.later(6.9) == 0
    assert desk.slack.requests == 1
    assert desk.later(0.2) == 1


def test_after_an_hour_without_slack_everything_comes_once_and_in_order(desk: Desk) -> None:
    desk.slack.trouble = "down"
    for minute in range(60):
        if minute % 20 == 0:
            desk.open(incident(f"k{minute}", f"trouble {minute}"))
        desk.later(60)
    desk.resolve("k0")
    assert desk.slack.posts == []
    desk.slack.trouble = ""
    for _ in range(10):
        desk.later(60)
    assert desk.texts() == ["WARNING: trouble 0", "WARNING: trouble 20", "WARNING: trouble 40", "Resolved: trouble 0"]


@pytest.mark.parametrize("trouble", ["revoked", "broken"])
def test_the_fallback_tells_what_the_bot_cannot(desk: Desk, trouble: str) -> None:
    desk.slack.trouble = trouble
    desk.open(incident())
    desk.later(5)
    assert desk.slack.webhook_posts == []
    desk.later(120)
    desk.later(120)
    assert [p["text"] for p in desk.slack.webhook_posts] == ["WARNING: candles: completeness failed"]
    desk.slack.trouble = ""
    desk.later(REFUSED_WAIT_S)
    assert len(desk.slack.posts) == 1
    assert len(desk.slack.webhook_posts) == 1


def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(desk: Desk) -> None:
    desk.slack.trouble = "lost"
    desk.open(incident())
    desk.later(5)
    desk.slack.trouble = ""
    assert len(desk.slack.posts) == 1
    assert desk.later(60) == 1
    assert len(desk.slack.posts) == 1
    desk.resolve(incident().dedupe_key)
    desk.later(5)
    assert desk.slack.posts[1]["thread_ts"] == desk.slack.posts[0]["ts"]


def test_a_broadcaster_that_died_between_post_and_note_does_not_repeat(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open(incident())
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "delivered", _die)
        with pytest.raises(KeyboardInterrupt):
            desk.later(5)
    assert len(desk.slack.posts) == 1
    assert desk.later(5) == 1
    assert len(desk.slack.posts) == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_five_hundred_alarms_of_a_kind_are_one_message(desk: Desk) -> None:
    for number in range(500):
        desk.open(incident(f"drift{number}", f"drift {number}"))
    assert desk.later(5) == 500
    post, = desk.slack.posts
    assert post["text"] == "500 × check_failed: drift 0, and 499 more"
    assert "… and 490 more" in str(post["blocks"])


def test_a_storm_that_slack_did_not_take_stays_one_message(desk: Desk) -> None:
    desk.slack.trouble = "broken"
    for number in range(50):
        desk.open(incident(f"drift{number}", f"drift {number}"))
    desk.later(5)
    desk.slack.trouble = ""
    assert desk.later(10) == 50
    assert len(desk.slack.posts) == 1


def test_a_moment_passes_before_anything_is_told_so_that_a_storm_shows(desk: Desk) -> None:
    desk.open(incident())
    assert desk.later(SETTLE.total_seconds() - 0.1) == 0
    assert desk.later(0.2) == 1


def test_two_broadcasters_tell_once(desk: Desk) -> None:
    desk.open(incident())
    desk.clock.advance(5_000)
    with desk.broadcaster.outbox.alone() as alone:
        assert alone is True
        assert desk.broadcaster.step() == 0
    assert desk.broadcaster.step() == 1


def test_the_token_is_in_no_stored_word(desk: Desk, brain: Brain) -> None:
    desk.slack.trouble = "revoked"
    desk.open(incident())
    desk.later(5)
    state, = Outbox(brain).state()
    assert state["error"] == "Slack says token_revoked"
    assert TOKEN not in str(state)


def test_nothing_is_told_of_what_came_and_went_within_the_window(desk: Desk) -> None:
    desk.open(incident())
    desk.later(5)
    desk.resolve(incident().dedupe_key)
    desk.later(5)
    desk.open(incident())
    desk.later(60)
    assert desk.resolve(incident().dedupe_key) == 1
    desk.later((WINDOW + timedelta(hours=1)).total_seconds())
    assert len(desk.slack.posts) == 2


def test_what_is_only_worth_knowing_stays_on_record(desk: Desk) -> None:
    desk.open(Incident("check_failed", IncidentSeverity.INFO, "quiet", "models: beats_the_base_rate failed"))
    assert desk.later(60) == 0
    assert [row.incident.title for row in desk.incidents.open()] == ["models: beats_the_base_rate failed"]
