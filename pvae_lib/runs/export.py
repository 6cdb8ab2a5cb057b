"""An executed notebook as one HTML page that needs no other file."""

import re
from html import escape
from pathlib import Path

import nbformat

from pvae_lib.files import write_atomically
from pvae_lib.runs.page import STYLE, mend_tables

# The page's head without require.js and mermaid, which are fetched and which no lesson needs.
_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_css -%}<style>{{ resources.style }}</style>{%- endblock -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}
{%- if resources.has_math %}{{ super() }}{% endif -%}
{%- endblock -%}
"""


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Drop, in place, what progress bars left in the stored outputs; real warnings stay."""
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(_without_bars, cell.outputs) if o is not None]


def _without_bars(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    if output.output_type != "stream" or output.name != "stderr":
        return output
    text = output.text.replace("\x1b[A", "").rstrip("\r")
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    kept = [line for line in lines if line.strip() and not ("%|" in line and "/s" in line)]
    output.text = "".join(line + "\n" for line in kept)
    return output if kept else None


def write_html(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write the page: its first heading as title, images embedded, each with its alternative text.

    Formulas are typeset by MathJax from the network where there is one, and stay readable as TeX
    where there is none.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from nbconvert import HTMLExporter

    page = nbformat.from_dict(notebook)
    page.metadata.pop("widgets", None)
    for cell in page.cells:
        for output in cell.get("outputs", []):
            _name_image(output)
    exporter = HTMLExporter(raw_template=_TEMPLATE, embed_images=True)
    has_math = any(c.cell_type == "markdown" and "$" in c.source for c in page.cells)
    resources = {"has_math": has_math, "style": STYLE, "metadata": {"name": _title(page, path)}}
    html, _ = exporter.from_notebook_node(page, resources=resources)
    with write_atomically(path) as partial:
        partial.write_text(mend_tables(html), encoding="utf-8")


def _title(page: nbformat.NotebookNode, path: Path) -> str:
    text = "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)", text, re.MULTILINE)
    return heading[1].strip() if heading else path.stem


def _name_image(output: nbformat.NotebookNode) -> None:
    # The exporter's template leaves out the alternative text that the output's metadata hold.
    alt = output.get("metadata", {}).get("image/png", {}).get("alt")
    if alt and "image/png" in output.get("data", {}):
        image = output.data["image/png"].replace("\n", "")
        source = f"data:image/png;base64,{image}"
        output.data = {"text/html": f'<img src="{source}" alt="{escape(alt)}">'}
