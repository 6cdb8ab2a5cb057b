"""What all tests share: one thread, silent progress bars, the real data where there are any."""

import os
from pathlib import Path

# Before numpy and torch are imported: the thread count of their libraries is fixed at import.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["PVAE_PROGRESS"] = "0"
os.environ.setdefault("MPLBACKEND", "agg")

import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

if os.environ.get("PVAE_DATA"):
    # Tests and notebook kernels start in other folders: a relative path is meant from the root.
    os.environ["PVAE_DATA"] = str((ROOT / os.environ["PVAE_DATA"]).resolve())


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; without it the test is skipped."""
    folder = os.environ.get("PVAE_DATA")
    if not folder:
        pytest.skip("needs real data: set PVAE_DATA to the folder that holds them (data/README.md)")
    if not Path(folder).is_dir():
        pytest.skip(f"needs real data: PVAE_DATA={folder} is not a folder (data/README.md)")
    return Path(folder)


@pytest.fixture(scope="session")
def twin_small():
    """(screen, truth) of the small generated twin, seed 0."""
    from pvae_lib.sources.twin import TwinConfig, make_twin

    return make_twin(TwinConfig.small(), seed=0)


def pytest_terminal_summary(terminalreporter):
    """Say in so many words that the browser tests were left out, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if "tests/browser/" in report.nodeid]
    for reason in sorted({report.longrepr[2].removeprefix("Skipped: ") for report in missed}):
        terminalreporter.write_line(f"Browser tests not run: {reason}")
