"""A student's way: open JupyterLab, run a lesson from the menu, see its figures and no error."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FAILING = "a_failing_cell.ipynb"
SECONDS = 300  # for each wait: a lesson takes 10 to 20 when idle, and test machines are not idle
SETTINGS = {
    # All cells are in the page at once, so that what is counted does not depend on scrolling.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    # No question about news from the network.
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The run is over when every cell has its number, or when an error stopped it and no cell waits.
OVER = """() => {
  const of = name => [...document.querySelectorAll(name)];
  const prompts = of('.jp-Notebook .jp-CodeCell .jp-InputPrompt').map(e => e.innerText.trim());
  const failed = of('.jp-Notebook [data-mime-type="application/vnd.jupyter.stderr"]').length > 0;
  const numbered = prompts.length > 0 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
  const waits = prompts.some(text => text.includes('*'));
  const idle = document.querySelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]');
  return Boolean(idle) && !waits && (numbered || failed);
}"""


class Seen(NamedTuple):
    """What stands in the notebook on the screen after the run."""

    prompts: list[str]
    errors: list[str]  # and warnings: JupyterLab draws both as stderr, and a lesson has neither
    figures: int


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """(address, token) of a JupyterLab on copies of the lessons without their outputs."""
    home, lessons = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("lessons")
    shutil.copytree(ROOT / "notebooks", lessons / "notebooks", dirs_exist_ok=True)
    for path in (lessons / "notebooks").glob("*.ipynb"):
        nbformat.write(_bare(nbformat.read(path, as_version=4)), path)
    nbformat.write(_failing(), lessons / "notebooks" / FAILING)
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.root_dir={lessons}", f"--IdentityProvider.token={token}"]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            command, cwd=lessons, env=_environment(home), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield _address(server, home), token
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _environment(home: Path) -> dict[str, str]:
    """A student's first day: no settings of anybody's; no real data, like the stored outputs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PVAE_DATA"))}
    own = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    return kept | {name: str(path) for name, path in own.items()} | {"PVAE_PROGRESS": "0"}


def _address(server: subprocess.Popen, home: Path) -> str:
    # The server takes the next port where the usual one is taken, and writes down which.
    record = home / "runtime" / f"jpserver-{server.pid}.json"
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        if record.exists():
            try:
                address = json.loads(record.read_text())["url"]
                urlopen(address + "api", timeout=5).close()
                return address
            except (OSError, ValueError):
                pass
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log').read_text()[-3000:]}")


def _bare(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _failing() -> nbformat.NotebookNode:
    sources = ["1 + 1", "from IPython.display import Image", "1 / 0", "2 + 2"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def run_from_the_menu(browser, lab: tuple[str, str], name: str) -> Seen:
    """Open the notebook, click Run ▸ Run All Cells, wait for the end, and read the screen."""
    address, token = lab
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(SECONDS * 1000)
    try:
        page.route(lambda url: not url.startswith((address, "data:", "blob:")), lambda r: r.abort())
        # Of its own workspace: the usual one would open the last test's notebook beside this one.
        place = f"lab/workspaces/{Path(name).stem}/tree/notebooks/{name}"
        page.goto(f"{address}{place}?token={token}")
        notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
        notebook.wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(OVER, polling=250)
        if shot := os.environ.get("PVAE_SCREENSHOTS"):
            page.screenshot(path=str(Path(shot) / f"{name}.png"))
        return Seen(
            prompts=notebook.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts(),
            errors=notebook.locator(
                '[data-mime-type="application/vnd.jupyter.stderr"]'
            ).all_inner_texts(),
            figures=notebook.locator(".jp-OutputArea-output img").count(),
        )
    finally:
        page.close()


def stored_figures(path: Path) -> int:
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "01_perturb_seq.ipynb"])
def test_a_lesson_runs_from_the_menu_to_its_last_cell(browser, lab, name):
    seen = run_from_the_menu(browser, lab, name)
    assert seen.errors == []
    assert seen.prompts == [f"[{number}]:" for number in range(1, len(seen.prompts) + 1)]
    assert seen.figures == stored_figures(ROOT / "notebooks" / name) > 0


def test_a_cell_that_fails_is_seen(browser, lab):
    seen = run_from_the_menu(browser, lab, FAILING)
    assert len(seen.errors) == 1 and "ZeroDivisionError" in seen.errors[0]
    assert not re.search(r"\d", seen.prompts[-1]), "the cell after the error was run"
    assert seen.figures == 0
