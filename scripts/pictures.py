"""Takes the README's pictures of the web UI from a running `huracan up` that has data, models and verdicts.

    .venv/bin/python -m scripts.pictures http://127.0.0.1:3000
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from tests.ui.browser import find_browser, open_all_groups, running_browser

IMAGES = Path(__file__).parent.parent / "docs" / "images"
COLOURS = 128
WIDTH = 1600
LARGE: ViewportSize = {"width": 2300, "height": 1150}
CANVAS: FloatRect = {"x": 545, "y": 140, "width": 1690, "height": 890}  # of the large page, right of its menus
SYMBOL = "ETH-USDT:USDT"
DATA_IMAGE = "img[src^='data:image/png']"


def main() -> None:
    """Take them all."""
    url = sys.argv[1].rstrip("/")
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory() as profile, running_browser(find_browser(), Path(profile)) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        for name, take in (("lineage", lineage), ("verdicts", verdicts), ("equity_in_ui", plot), ("check", check)):
            save(take(page, url), name)


def lineage(page: Page, url: str) -> bytes:
    """All groups open, on a screen so large that assets show what came of them; without the menus beside them."""
    usual = page.viewport_size
    page.set_viewport_size(LARGE)
    open_all_groups(page, url)
    picture = settled(page, CANVAS)
    assert usual is not None
    page.set_viewport_size(usual)
    return picture


def verdicts(page: Page, url: str) -> bytes:
    """The seven verdicts on a symbol's model."""
    page.goto(f"{url}/assets/gate_verdicts?view=partitions&partition={SYMBOL}")
    expect(page.get_by_text("4 stress").first).to_be_visible()
    return settled(page)


def plot(page: Page, url: str) -> bytes:
    """Equity out of sample, as the same page shows it."""
    verdicts(page, url)
    page.get_by_role("row", name="equity_linear").get_by_text("[Show Markdown]").click()
    expect(page.locator(DATA_IMAGE)).to_be_visible()
    return settled(page)


def check(page: Page, url: str) -> bytes:
    """A check that failed, with the days it failed for. Its page shows the newest result: backfill a bad day just before."""
    page.goto(f"{url}/assets/candles?view=checks&checkDetail=plausibility")
    expect(page.get_by_text("symbol-days failed")).to_be_visible()
    return settled(page, {"x": 0, "y": 0, "width": WIDTH, "height": 640})


def settled(page: Page, clip: FloatRect | None = None) -> bytes:
    """The page as PNG when its queries are answered and its animations over."""
    page.wait_for_timeout(5_000)
    return page.screenshot(clip=clip)


def save(picture: bytes, name: str) -> None:
    """In few colours: screens have few, and a README should load fast."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
