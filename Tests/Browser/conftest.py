"""What the tests share: a detector of gaskets, a page of its frames, and Chromium.

The folder of frames and the detector are those that `make serve-test` makes in build/page.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[2]
MADE = ROOT / "build" / "page"
TOOL = Path(os.environ.get("CFLOWAD_TOOL") or ROOT / "build" / "bin" / "cflowad")

DESKTOP, PHONE = (1400, 950), (390, 844)


@pytest.fixture
def line(tmp_path):
    """A folder with the detector and the frames of a line, one of them cut short."""
    shutil.copy(MADE / "gasket.h5", tmp_path)
    shutil.copytree(MADE / "frames" / "line", tmp_path / "frames")
    for number, path in enumerate(sorted((tmp_path / "frames").iterdir())):
        os.utime(path, (1_700_000_000 + 2 * number,) * 2)
    whole = (tmp_path / "frames" / "000_good.ppm").read_bytes()
    (tmp_path / "frames" / "cut.ppm").write_bytes(whole[: len(whole) // 2])
    os.utime(tmp_path / "frames" / "cut.ppm", (1_700_000_000,) * 2)
    return tmp_path


@pytest.fixture
def server(line):
    """The process, with the page's `address`; all frames of the line are scored."""
    process = subprocess.Popen(
        [TOOL, "serve", "gasket.h5", "frames", "--port", "0"], cwd=line, stdout=subprocess.PIPE, text=True
    )
    process.address = process.stdout.readline().strip()
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


@pytest.fixture
def browser():
    """Function: a Chromium of a size, perhaps dark."""
    drivers = []

    def open_browser(size, dark=False, address=None):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--lang=en"]:
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        drivers.append(driver)
        width, height = size
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = "dark" if dark else "light"
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        driver.set_script_timeout(30)
        if address:
            driver.get(address)
        return driver

    yield open_browser
    for driver in drivers:
        driver.quit()


def until(condition):
    """What a condition gives, once that is something."""
    for _ in range(300):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to be")
