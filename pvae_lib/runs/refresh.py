"""`python -m pvae_lib.runs.refresh NOTEBOOK …`: run lessons in place and store clean outputs.

What is stored is what the same cells give on another machine: no times, no run-specific metadata,
no bars, and a kernel that every environment has.
"""

import os
import sys
import time
from pathlib import Path

import nbformat

from pvae_lib.files import write_atomically
from pvae_lib.runs.execute import KERNEL_ARGUMENTS
from pvae_lib.runs.export import tidy

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Kept in a cell's metadata; everything else there belongs to one session of one editor.
KEPT = ("tags",)


def refresh(path: Path) -> None:
    """Execute one notebook and store it with its outputs; left as it was should a cell fail.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in KEPT})
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        record_timing=False,
        store_widget_state=False,
        timeout=600,
        extra_arguments=KERNEL_ARGUMENTS,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    tidy(notebook)
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    with write_atomically(path) as partial:
        nbformat.write(notebook, partial)


def main(paths: list[str]) -> int:
    """Refresh each notebook; 1 when one failed."""
    from nbclient.exceptions import CellExecutionError

    # What is stored must come out the same where there are no real data.
    os.environ.pop("PVAE_DATA", None)
    os.environ["PVAE_PROGRESS"] = "0"
    failed = 0
    for path in map(Path, paths):
        start = time.monotonic()
        try:
            refresh(path)
            print(f"{path}: {time.monotonic() - start:.0f} s", flush=True)
        except CellExecutionError as error:
            print(f"{path}: failed, left as it was\n{error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
