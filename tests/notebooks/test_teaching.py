"""The guide for instructors and the glossary say what is so: their links, cells and minutes."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
TEACHING = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
GLOSSARY = (NOTEBOOKS / "GLOSSARY.md").read_text(encoding="utf-8")
PAGES = {"TEACHING.md": TEACHING, "GLOSSARY.md": GLOSSARY}

TO_GLOSSARY = "Words and symbols: [GLOSSARY](GLOSSARY.md)"
TIME = re.compile(
    r"\*\*Time:\*\* about (\d+) minutes to read and predict; the code takes "
    r"(?:(\d+) seconds|less than a minute) of one core"
)
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
# [06](06_x.ipynb) § *heading*, § *another* … , the cell with `code`
CITED = re.compile(
    r"\]\((\d\d_\w+\.ipynb)\)((?: (?:and )?§ \*[^*]+\*,?)+)(?: the cell with `([^`]+)`)?"
)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / name, as_version=4)


def text_of(notebook: nbformat.NotebookNode) -> str:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return "\n\n".join(cells)


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


def sections(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Heading to the code below it, up to the next heading."""
    found, heading = {}, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for title in re.findall(r"^#{2,} (.+)$", cell.source, flags=re.MULTILINE):
                heading = title.strip()
                found[heading] = ""
        elif heading:
            found[heading] += cell.source + "\n"
    return found


def minutes_to_read(notebook: nbformat.NotebookNode) -> int:
    """The rule of TEACHING.md: words / 200, lines of code / 15, 1.5 a prediction, up to 5."""
    text = re.split(r"^## Exercises", text_of(notebook), flags=re.MULTILINE)[0]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    lines = sum(bool(line.strip()) for source in code for line in source.splitlines())
    minutes = len(text.split()) / 200 + lines / 15 + 1.5 * text.count("**Predict first")
    return int(-(-minutes // 5) * 5)


def row_of(path: Path) -> list[str]:
    """The cells of a lesson's row in the guide's first table."""
    number = path.name[:2]
    linked = rf"(?:\[{number}\]\({path.name}\)|{number})"
    lessons = TEACHING.split("\n### Minutes\n")[0]  # further tables start with minutes
    (row,) = re.findall(rf"^\| {linked} \| (.+) \|$", lessons, re.M)
    return [cell.strip() for cell in row.split("|")]


def agrees(stated: str, in_the_guide: str) -> bool:
    """Whether the guide has this number, or a bound, "under 60", that holds it."""
    bound = re.fullmatch(r"under (\d+)", in_the_guide)
    return int(stated) < int(bound.group(1)) if bound else stated == in_the_guide


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_a_lesson_links_to_the_glossary_at_its_start(path):
    assert TO_GLOSSARY in read(path.name).cells[0].source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_a_lesson_states_the_minutes_of_the_guide(path):
    first = read(path.name).cells[0].source
    found = TIME.search(first)
    assert found, f"{path.name} should say: {TIME.pattern}"
    _, _, reading, code, *_ = row_of(path)
    assert agrees(found.group(1), reading) and agrees(found.group(2) or "59", code)
    by_rule = minutes_to_read(read(path.name))
    assert abs(int(found.group(1)) - by_rule) <= 5, f"{by_rule} by the guide's own rule"


def test_the_minutes_of_the_lab_and_the_workshop_add_up():
    for title, total in [("The 90-minute lab", 90), ("The one-day workshop", 455)]:
        part = re.split(r"^## ", TEACHING.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]
        assert sum(map(int, re.findall(r"^\| (\d+) \|", part, flags=re.MULTILINE))) == total
    assert "455 minutes" in TEACHING


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_headings(name):
    for link in set(LINK.findall(PAGES[name])):
        target, _, anchor = link.partition("#")
        path = NOTEBOOKS / target if target else NOTEBOOKS / name
        assert path.exists(), link
        if anchor:
            assert path.suffix == ".md" and anchor in anchors(path.read_text("utf-8")), link


def test_cited_sections_and_cells_are_there():
    cited = CITED.findall(TEACHING)
    assert len([code for _, _, code in cited if code]) >= 25
    assert TEACHING.count("the cell with `") == len([code for _, _, code in cited if code])
    for lesson, headings, code in cited:
        below = sections(read(lesson))
        titles = re.findall(r"\*([^*]+)\*", headings)
        missing = [title for title in titles if title not in below]
        assert not missing, f"{lesson} has no section {missing}"
        assert not code or code in below[titles[-1]], f"{lesson}, {titles[-1]}: no `{code}`"


def test_every_name_of_the_notation_stands_in_the_file_given():
    rows = re.findall(
        r"^\| (?!symbol|---)(.+?) \| (`.+?) \| .+? \| \[.+?\]\((\S+?)\)", GLOSSARY, re.M
    )
    assert len(rows) >= 30
    for symbol, names, target in rows:
        code = (NOTEBOOKS / target).read_text(encoding="utf-8")
        for name in re.findall(r"`([^`]+)`", names):
            assert re.search(rf"\b{re.escape(name)}\b", code), (
                f"{symbol}: {name} is not in {target}"
            )


def test_words_stand_once_and_in_order():
    words = re.split(r"^## ", GLOSSARY.split("## Words\n")[1], flags=re.MULTILINE)[0]
    titles = re.findall(r"^### (.+)$", words, flags=re.MULTILINE)
    order = [re.sub(r"^Δ", "delta ", title).lower() for title in titles]
    assert len(titles) >= 40 and order == sorted(set(order))
