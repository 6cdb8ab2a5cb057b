"""The system's own Chromium for the browser tests; where there is none they are skipped."""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


# Of one module, not of the session: while Playwright is open its event loop counts as running, and
# other tests of the same worker start loops of their own.
@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; nothing is downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        own = playwright.chromium.executable_path  # of `playwright install chromium`, if it was run
        if not found and not Path(own).exists():
            pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on the PATH")
        # Chromium refuses its sandbox to root, who is who runs tests in most containers.
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        arguments = ["--no-sandbox"] if root else []
        chromium = playwright.chromium.launch(executable_path=found or own, args=arguments)
        yield chromium
        chromium.close()
