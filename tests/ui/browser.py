"""Debian's Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]


def find_browser() -> str:
    """Path of the browser. Without one the test is skipped, but only where none could have been installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        told = f"expected one of {', '.join(NAMES)} on PATH, got none; `make browser` installs it by apt"
        if os.environ.get("CI") == "true" or (os.geteuid() == 0 and shutil.which("apt-get")):
            pytest.fail(told)
        pytest.skip(f"{told} where it runs as root")
    return found


@contextmanager
def running_browser(executable: str, profile: Path) -> Iterator[BrowserContext]:
    """A browser without a window on a profile of its own, 1600 × 1000."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=executable, headless=True, args=FLAGS, viewport={"width": 1600, "height": 1000},
        )
        try:
            yield context
        finally:
            context.close()


def open_all_groups(page: Page, url: str) -> None:
    """The lineage of everything, from top to bottom: that way all of it fits into the canvas."""
    for choice in ("Change graph to vertical orientation", "Expand all groups"):
        page.goto(f"{url}/asset-groups")
        expect(page.get_by_text("market_data", exact=True).last).to_be_visible()
        page.get_by_role("button", name="settings").last.click()
        page.get_by_role("menuitem", name=choice).click()
        expect(page.get_by_role("menuitem", name=choice)).to_have_count(0)
    page.reload()  # fits what is open now into the canvas
    expect(page.get_by_text("instruments", exact=True).first).to_be_attached()
