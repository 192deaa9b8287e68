"""What axe says of a page, light and dark."""

from importlib.resources import files

from playwright.sync_api import Page

from support.chromium import Window

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that judge colours: the rest of a page is the same for those who like it dark."""
VIOLATIONS = """rules => axe.run({runOnly: rules}).then(found => found.violations.map(
    ({id, nodes}) => [id, ...nodes.map(node => node.html.slice(0, 120) + " " + node.failureSummary)]))"""


def sound(view: Window, page: Page) -> None:
    """Axe finds nothing, light or dark, and nothing sticks out to the side."""
    page.evaluate(AXE)
    assert page.evaluate(VIOLATIONS, STANDARDS) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(VIOLATIONS, COLOURS) == []
    page.emulate_media(color_scheme="light")
    view.assert_fits(page)
