"""Tables of an exported page: headers that say what they head, and a frame that scrolls."""

import pandas as pd
from bs4 import BeautifulSoup, Tag

from pvae_lib.runs.page import mend_tables


def mended(frame: pd.DataFrame | str) -> Tag:
    html = frame if isinstance(frame, str) else frame.to_html()
    page = f"<html><body><main>{html}</main></body></html>"
    return BeautifulSoup(mend_tables(page), "html.parser").table


def head(table: Tag) -> list[list[str]]:
    return [[cell.get_text() for cell in row(["td", "th"])] for row in table.thead("tr")]


def test_headers_name_what_they_head_and_empty_ones_are_cells():
    table = mended(pd.DataFrame({"a": [1], "b": [2]}, index=["x"]))
    assert head(table) == [["", "a", "b"]]
    assert [cell.name for cell in table.thead(["td", "th"])] == ["td", "th", "th"]
    assert [cell["scope"] for cell in table("th")] == ["col", "col", "row"]


def test_the_name_of_the_index_moves_up_beside_the_columns():
    table = mended(pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="method")))
    assert head(table) == [["method", "a"]]


def test_no_name_is_lost_where_columns_have_one_too():
    frame = pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="method"))
    table = mended(frame.rename_axis(columns="metric"))
    assert head(table) == [["metric", "a"], ["method", ""]]


def test_headers_that_span_say_so():
    columns = pd.MultiIndex.from_tuples([("a", "low"), ("a", "high")])
    index = pd.MultiIndex.from_tuples([("x", "1"), ("x", "2")])
    scopes = [cell["scope"] for cell in mended(pd.DataFrame(1, index, columns))("th")]
    assert scopes == ["colgroup", "col", "col", "rowgroup", "row", "row"]


def test_columns_of_words_are_marked_and_columns_of_figures_are_not():
    table = mended(pd.DataFrame({"idea": ["average of the two singles' means"], "error": [0.4]}))
    assert [cell.get_text() for cell in table.select("th.words")] == ["idea"]
    assert len(table.select("td.words")) == 1


def test_a_table_stands_in_a_frame_that_the_keyboard_reaches():
    frame = mended("<table><tr><td>1</td></tr></table>").parent
    assert frame["class"] == ["table"] and frame["tabindex"] == "0" and frame["aria-label"]


def test_text_and_pictures_around_tables_stay_as_they_were():
    around = '<pre>a  &lt;b&gt;\n\n  c &amp; d</pre><img alt="x &amp; y" src="data:,"/>'
    assert around in mend_tables(f"<main>{around}<table></table></main>")
