"""The channels that the settings ask for, in the order in which they are tried."""

from __future__ import annotations

from huracan_platform.operations.broadcast.channel import Channel
from huracan_platform.settings import BroadcastSettings


def configured_channels(settings: BroadcastSettings) -> list[Channel]:
    """The Slack bot where there is a token, then the webhook where there is one; none where neither is."""
    from huracan_platform.operations.broadcast.slack import SlackBot, SlackWebhook  # brings Slack's SDK

    channels: list[Channel] = []
    if settings.slack_token is not None:
        channels.append(SlackBot(settings.slack_token, settings.slack_channel, settings.slack_api_url))
    if settings.slack_webhook_url is not None:
        channels.append(SlackWebhook(settings.slack_webhook_url))
    return channels
