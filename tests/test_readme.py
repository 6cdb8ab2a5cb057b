"""The README keeps its promises: its example runs, its links lead somewhere."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    shorter, changed = re.subn(r"epochs=\d+", "epochs=2", example)
    assert changed == 1
    exec(compile(shorter, "README.md", "exec"), {})
    assert "| PerturbedVAE |" in capsys.readouterr().out


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_lesson_is_listed():
    lessons = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert lessons == set(re.findall(r"\(notebooks/([^)]+\.ipynb)\)", README))


def test_nothing_is_left_to_fill_in():
    assert re.findall(r"@[A-Z]+@", README) == []
