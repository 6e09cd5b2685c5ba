"""Headless Chromium for tests of the page. Imported where playwright, axe or Chromium is missing it ends the test as
skipped (77)."""

import contextlib
import shutil
import sys

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect, sync_playwright
except ImportError as missing:
    print(f"skipped: {missing} (scripts/setup test)")
    sys.exit(77)
if CHROMIUM is None:
    print("skipped: there is no chromium in the PATH (scripts/setup full)")
    sys.exit(77)

__all__ = ["browser", "expect", "violations"]


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def violations(page):
    """What axe finds wrong, by colour scheme: contrast, names, roles, landmarks."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for rule in Axe().run(page).response["violations"]:
            found += [f"{scheme} {rule['id']}: {node['target']}" for node in rule["nodes"]]
    return found
