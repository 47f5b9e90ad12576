"""The pages of `cflowad serve` and `cflowad evaluate --html` in Chromium, at a desktop's and a phone's width.

Their pictures are left in build/page, to be looked at.
"""

import shutil
import signal
import subprocess

import pytest
from conftest import DESKTOP, MADE, PHONE, TOOL, until
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def all_of(driver, selector):
    return driver.find_elements(By.CSS_SELECTOR, selector)


def one(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector)


def text(driver, selector):
    return one(driver, selector).text


def open_page(browser, server, size=DESKTOP, **options):
    driver = browser(size, address=server.address, **options)
    until(lambda: len(all_of(driver, ".card")) == 21)
    return driver


def set_number(field, value):
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(value)


def troubles(driver):
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("name, size, dark", [("desktop", DESKTOP, False), ("phone", PHONE, False), ("dark", DESKTOP, True)])
def test_the_page_is_whole_at_every_width(browser, server, name, size, dark):
    driver = open_page(browser, server, size, dark=dark)
    set_number(one(driver, "#threshold"), "1.6")
    until(lambda: "would change" in text(driver, "#changes"))
    # Everything is within the page's width, and nothing is drawn over something else's text.
    assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
    pictures = "return [...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    until(lambda: driver.execute_script(pictures))
    assert len(all_of(driver, "svg")) == 2
    ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ("20, 25, 31" in ground) == dark
    driver.execute_script("window.scrollTo(0, 0); document.activeElement.blur()")
    driver.save_screenshot(str(MADE / f"{name}.png"))
    assert not troubles(driver)


def test_nothing_is_loaded_from_elsewhere(browser, server):
    driver = open_page(browser, server)
    resources = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    # Two scripts, and a photograph and a heat map for each of 20 frames. Pictures are listed once they have come, after the cards.
    loaded = until(lambda: len(names := driver.execute_script(resources)) >= 2 + 2 * 20 and names)
    assert all(name.startswith((server.address, "data:")) for name in loaded)


def test_the_slider_shows_at_once_what_would_change(browser, server):
    driver = open_page(browser, server)
    own = one(driver, "#threshold").get_attribute("value")
    assert not all_of(driver, ".changed") and "own threshold" in text(driver, "#changes")
    slider = one(driver, "#slider")
    promise = text(driver, "#promise")
    ActionChains(driver).drag_and_drop_by_offset(slider, -40, 0).perform()
    until(lambda: text(driver, "#promise") != promise)
    count = until(lambda: len(all_of(driver, ".changed")))
    assert text(driver, "#changes").startswith(f"{count} of 20 frames would change")
    assert all("→" in card.text for card in all_of(driver, ".changed"))
    # The same by a key, and the field says where the slider is.
    before = one(driver, "#threshold").get_attribute("value")
    slider.send_keys(Keys.ARROW_LEFT)
    until(lambda: one(driver, "#threshold").get_attribute("value") != before)
    # An address names the choice, and the detector's own is a click away.
    assert "?threshold=" in driver.current_url
    one(driver, "#own").click()
    until(lambda: not all_of(driver, ".changed"))
    until(lambda: one(driver, "#threshold").get_attribute("value") == own)
    assert "?" not in driver.current_url


def test_a_share_of_good_frames_sets_the_threshold(browser, server):
    driver = open_page(browser, server)
    set_number(one(driver, "#percent"), "5")
    until(lambda: text(driver, "#promise").startswith("1 of 20 good frames rejected"))
    assert float(one(driver, "#slider").get_attribute("value")) == pytest.approx(
        float(one(driver, "#threshold").get_attribute("value")), rel=1e-6
    )
    set_number(one(driver, "#percent"), "70")
    until(lambda: "not within" in text(driver, "#changes"))


def test_new_frames_come_without_a_reload(browser, server, line):
    driver = open_page(browser, server)
    driver.execute_script("document.querySelector('#gallery img').known = true")
    field = one(driver, "#threshold")
    set_number(field, "1.7")
    shutil.copy(line / "frames" / "004_scratched.ppm", line / "frames" / "new.ppm")
    until(lambda: all_of(driver, ".card")[0].text.count("new.ppm"))
    assert len(all_of(driver, ".card")) == 22
    # What was there stays: the pictures, and the number that somebody types.
    assert driver.execute_script("return [...document.images].filter((image) => image.known).length") == 1
    assert field.get_attribute("value") == "1.7" and driver.switch_to.active_element == field


def test_a_frame_that_cannot_be_read_is_a_card(browser, server):
    driver = open_page(browser, server)
    (card,) = all_of(driver, ".card.failed")
    assert "cut.ppm" in card.text and "not scored" in card.text and not card.find_elements(By.TAG_NAME, "img")


@pytest.mark.parametrize("name, size", [("viewer", DESKTOP), ("viewer-phone", PHONE)])
def test_frames_are_enlarged_by_keys_alone(browser, server, name, size):
    driver = open_page(browser, server, size)
    first = one(driver, ".pictures")
    driver.execute_script("arguments[0].focus()", first)
    first.send_keys(Keys.ENTER)
    viewer = until(lambda: next(iter(all_of(driver, "dialog[open]")), None))
    shown = viewer.text
    width = viewer.find_element(By.TAG_NAME, "img").size["width"]
    assert width > 1.2 * first.find_element(By.TAG_NAME, "img").size["width"]
    ActionChains(driver).send_keys(Keys.ARROW_RIGHT).perform()
    until(lambda: viewer.text != shown)
    driver.save_screenshot(str(MADE / f"{name}.png"))
    ActionChains(driver).send_keys(Keys.ESCAPE).perform()
    until(lambda: not all_of(driver, "dialog[open]"))
    # Reading goes on where it was.
    until(lambda: driver.switch_to.active_element == all_of(driver, ".pictures")[1])


def test_frames_are_filtered(browser, server):
    driver = open_page(browser, server)
    one(driver, "#show-reject").click()
    shown = [card for card in all_of(driver, ".card") if card.is_displayed()]
    assert 0 < len(shown) < 21 and all("reject" in card.text for card in shown)
    one(driver, "#show-changed").click()
    assert not [card for card in all_of(driver, ".card") if card.is_displayed()]


def test_a_threshold_is_written(browser, server, line):
    driver = open_page(browser, server)
    set_number(one(driver, "#threshold"), "1.625")
    until(lambda: one(driver, "#export input").get_attribute("value") == "1.625")
    one(driver, "#export button").click()
    until(lambda: "gasket-threshold.h5: written with the threshold 1.625" in text(driver, "#message"))
    info = subprocess.run([TOOL, "info", "gasket-threshold.h5"], cwd=line, capture_output=True, text=True, check=True)
    assert "1.625000" in info.stdout
    # What cannot be written is said where it was asked for.
    (line / "gasket-threshold.h5").unlink()
    (line / "gasket-threshold.h5").mkdir()
    one(driver, "#export button").click()
    until(lambda: all_of(driver, "#message.wrong"))


def test_the_end_is_told(browser, server):
    driver = open_page(browser, server)
    server.send_signal(signal.SIGINT)
    server.wait(timeout=30)
    until(lambda: "not served any more" in text(driver, "#status"))
    assert len(all_of(driver, ".card")) == 21


def test_it_works_without_scripts(browser, server):
    driver = open_page(browser, server)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get(server.address)
    assert not one(driver, "#slider").is_displayed()
    set_number(one(driver, "#threshold"), "1.6")
    one(driver, "#choice button").click()
    until(lambda: "threshold=1.6" in driver.current_url and all_of(driver, ".changed"))


def test_the_report_has_the_same_cards(browser, line):
    (line / "test" / "good").mkdir(parents=True)
    (line / "test" / "scratched").mkdir()
    for path in (line / "frames").glob("*_*.ppm"):
        shutil.copy(path, line / "test" / path.stem.split("_")[1])
    subprocess.run([TOOL, "evaluate", "gasket.h5", "--data", "test", "--html", "report.html"], cwd=line, check=True, capture_output=True)
    for name, size in [("report", DESKTOP), ("report-phone", PHONE)]:
        driver = browser(size, address=(line / "report.html").as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
        driver.save_screenshot(str(MADE / f"{name}.png"))
        button = one(driver, ".pictures")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        until(lambda: all_of(driver, "dialog[open] img"))
        assert not troubles(driver)
