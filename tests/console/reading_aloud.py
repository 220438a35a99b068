"""What a machine that reads a page aloud stumbles over, by axe."""

import json
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

from tests.sizes import WHOLE

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # all that another theme can change
FOUND = """axe.run(%s).then(({ violations }) => violations.map(({ id, impact, nodes }) =>
  [id, impact, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]))"""


async def violations(page: Page, *, other_theme: bool = False) -> list[Any]:
    """The rules that are broken, how gravely, and where. `other_theme`: the same page was looked at in one theme, and only
    what a theme changes is looked at again."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    options = COLOURS if other_theme and not WHOLE else RULES
    return list(await page.evaluate(FOUND % json.dumps({**options, "resultTypes": ["violations"]})))
