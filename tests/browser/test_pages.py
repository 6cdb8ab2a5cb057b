"""The exported page of every lesson: nothing in it shuts a reader out, and it needs no network.

axe-core (bundled with axe-playwright-python) judges by WCAG 2.1 A and AA and by its own best
practices. A breach counts from impact "serious" on, and whatever its impact where the rule is one
of `ALWAYS`; other moderate and minor rules, those on landmarks among them, are left out.
"""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from pvae_lib.runs.export import write_html

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"
ALWAYS = {
    "empty-table-header",
    "heading-order",
    "image-redundant-alt",
    "page-has-heading-one",
    "region",
    "table-duplicate-name",
}
# What nbconvert writes for an image that has no text of its own, which axe takes for a text.
STOCK = "No description has been provided for this image"
OPTIONS = {"resultTypes": ["violations"]}
LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
# A token's colour hangs on its class alone: two of each are measured, and the thousands of others
# become plain text. Contrast is slow to compute.
FEWER_TOKENS = """() => {
  const seen = {};
  for (const token of document.querySelectorAll('.highlight pre span')) {
    seen[token.className] = (seen[token.className] || 0) + 1;
    if (token.className && seen[token.className] > 2) token.replaceWith(...token.childNodes);
  }
  for (const code of document.querySelectorAll('.highlight pre')) code.normalize();
}"""
# What reaches past the right edge and is not inside something that scrolls by itself.
CUT_OFF = """() => {
  const edge = document.documentElement.clientWidth + 1;
  return [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > edge && !e.closest('.table'))
    .map(e => e.outerHTML.slice(0, 120));
}"""


class Visit:
    """A page opened without a network: what it asked for, and what axe and its width say."""

    def __init__(self, browser, path: Path):
        self.asked: list[str] = []
        self._page = browser.new_page(viewport=LAPTOP)
        self._page.route(lambda url: not url.startswith(("file:", "data:")), self._refuse)
        self._page.goto(path.as_uri())

    def _refuse(self, route) -> None:
        self.asked.append(route.request.url)
        route.abort()

    def breaches(self) -> list[str]:
        """`rule (impact): how often, the first place`, of what counts."""
        self._page.evaluate(FEWER_TOKENS)
        found = Axe().run(self._page, options=OPTIONS).response["violations"]
        nameless = self._page.locator(f'img[alt="{STOCK}"]').count()
        return [f"image-alt (critical): {nameless} × {STOCK}"] * bool(nameless) + [
            f"{v['id']} ({v['impact']}): {len(v['nodes'])} ×, {v['nodes'][0]['html'][:200]}"
            for v in found
            if v["impact"] in ("serious", "critical") or v["id"] in ALWAYS
        ]

    def cut_off(self, size: dict) -> list[str]:
        self._page.set_viewport_size(size)
        return self._page.evaluate(CUT_OFF)

    def close(self) -> None:
        self._page.close()


@pytest.fixture
def visit(browser) -> Callable[[Path], Visit]:
    opened = []

    def open_page(path: Path) -> Visit:
        opened.append(Visit(browser, path))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_a_lessons_page_is_open_to_every_reader(visit, tmp_path, path):
    html = tmp_path / "page.html"
    write_html(nbformat.read(path, as_version=4), html)
    page = visit(html)
    assert page.breaches() == []
    assert [url for url in page.asked if not url.startswith(MATHJAX)] == []
    assert page.cut_off(LAPTOP) == page.cut_off(PHONE) == []


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PALE = '<p style="color: #bbbbbb; background: #ffffff">hardly to be read</p>'
BROAD = '<div style="min-width: 3000px">too broad</div>'
REMOTE = '<img src="https://example.org/figure.png" alt="a figure that lies elsewhere">'


def _page(tmp_path: Path, text: str = "", **data: str) -> Path:
    """The page of a small notebook whose one cell has the given text below and output."""
    v4 = nbformat.v4
    cell = v4.new_code_cell("1 + 1", execution_count=1)
    if data:
        kinds = {kind.replace("_", "/"): value for kind, value in data.items()}
        cell.outputs = [v4.new_output("display_data", data=kinds)]
    cells = [v4.new_markdown_cell("# A lesson"), cell, v4.new_markdown_cell(text or "The end.")]
    write_html(v4.new_notebook(cells=cells), tmp_path / "page.html")
    return tmp_path / "page.html"


def test_a_plain_page_passes(visit, tmp_path):
    assert visit(_page(tmp_path)).breaches() == []


@pytest.mark.parametrize(
    ("text", "data", "rule"),
    [
        ("", {"image_png": PIXEL}, "image-alt"),
        (PALE, {}, "color-contrast"),
        ("### Two steps down", {}, "heading-order"),
        ("", {"text_html": '<a href="x"></a>'}, "link-name"),
    ],
)
def test_a_breach_is_found(visit, tmp_path, text, data, rule):
    found = visit(_page(tmp_path, text, **data)).breaches()
    assert len(found) == 1 and found[0].startswith(rule), found


def test_what_lies_elsewhere_or_past_the_edge_is_found(visit, tmp_path):
    page = visit(_page(tmp_path, BROAD, text_html=REMOTE))
    assert page.asked == ["https://example.org/figure.png"]
    assert "too broad" in page.cut_off(LAPTOP)[0]
