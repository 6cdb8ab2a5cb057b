"""What the exporter's page lacks for a reader with a small screen, low sight or a screen reader.

The measure is axe-core's (WCAG 2.1 AA); `tests/browser` holds every lesson's page against it.
"""

from bs4 import BeautifulSoup, Tag

# Colours are those of JupyterLab's light theme, darker where they stood below 4.5 to 1 on the grey
# of a code cell. Prose has a readable length of line; code wraps; wide tables scroll by themselves.
STYLE = """
:root {
  --jp-cell-prompt-not-active-font-color: #616161;
  --jp-cell-prompt-not-active-opacity: 1;
  --jp-mirror-editor-number-color: #006b00;
  --jp-mirror-editor-operator-color: #8a10d8;
  --jp-mirror-editor-comment-color: #2f6666;
}
main { max-width: 70rem; margin: 0 auto; }
.jp-RenderedMarkdown > :not(.table) { max-width: 46rem; }
.jp-RenderedHTMLCommon a:any-link { text-decoration: underline; }
.jp-RenderedHTMLCommon img { max-width: 100%; height: auto; }
.jp-RenderedHTMLCommon .table { overflow-x: auto; margin: 0 0 1em; }
.jp-RenderedHTMLCommon .table table { margin: 0; }
.jp-RenderedHTMLCommon .table :is(tbody th, th:first-child, .words) { text-align: left; }
.jp-RenderedHTMLCommon .dataframe td:not(.words) { white-space: nowrap; }
.jp-RenderedHTMLCommon :is(p, li) code { overflow-wrap: anywhere; }
.highlight pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.jp-OutputArea-output pre { word-break: normal; overflow-wrap: anywhere; }
@media (max-width: 760px) {
  .jp-RenderedHTMLCommon .table td, .jp-RenderedHTMLCommon .table th { min-width: 4.5rem; }
  .jp-RenderedHTMLCommon .table .words { min-width: 12rem; }
}
"""

_WORDS = 24  # characters: a column with a longer cell holds words, not figures


def mend_tables(html: str) -> str:
    """The page with tables that can be read aloud, and scrolled with a finger or the keyboard.

    Headers say whether they head a column or a row, empty ones become plain cells, and pandas' two
    header rows, one for the columns and one for the index's name, become one where nothing is lost.
    """
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.select("main table"):
        _join_header_rows(table)
        for header in table.select("th"):
            _mend_header(header)
        _mark_words(table)
        table.wrap(soup.new_tag("div", **{"class": "table"}, tabindex="0", role="group"))
        table.parent["aria-label"] = "Table"
    return str(soup)


def _join_header_rows(table: Tag) -> None:
    rows = [row.select("th") for row in table.select("thead tr")]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]) or not rows[1]:
        return
    texts = [[cell.get_text(strip=True) for cell in row] for row in rows]
    if all(not (above and below) for above, below in zip(*texts, strict=True)):
        for cell, below in zip(rows[0], texts[1], strict=True):
            if below:
                cell.string = below
        rows[1][0].parent.decompose()


def _mend_header(header: Tag) -> None:
    if not header.get_text(strip=True):
        header.name = "td"
    elif header.find_parent("thead"):
        header["scope"] = "colgroup" if int(header.get("colspan", 1)) > 1 else "col"
    else:
        header["scope"] = "rowgroup" if int(header.get("rowspan", 1)) > 1 else "row"


def _mark_words(table: Tag) -> None:
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.select("tr")]
    if len({len(row) for row in rows}) != 1:
        return  # cells that span several columns: which column a cell is in is not its number
    for column in zip(*rows, strict=True):
        if any(len(cell.get_text(strip=True)) > _WORDS for cell in column if cell.name == "td"):
            for cell in column:
                cell["class"] = [*cell.get("class", []), "words"]
