"""`cflowad serve`: what its server answers and refuses, frames as they come, thresholds and what is written.

The tool is build/bin/cflowad, or the one that the environment variable CFLOWAD_TOOL names.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import cflowad
import h5py
import make_detector
import pytest
from PIL import Image

TOOL = Path(os.environ.get("CFLOWAD_TOOL") or Path(__file__).resolve().parents[2] / "build" / "bin" / "cflowad")


class Served:
    """A running `cflowad serve`."""

    def __init__(self, *arguments, folder, stdin=None):
        self.process = subprocess.Popen(
            [TOOL, "serve", *map(str, arguments), "--port", "0"], cwd=folder, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.address = self.process.stdout.readline().strip()
        self.port = urllib.parse.urlsplit(self.address).port if self.address else None

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host="host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.text = answer.read()
        connection.close()
        return answer

    def page(self, query=""):
        answer = self.request("GET", "/" + query)
        assert answer.status == 200, answer.text
        return answer.text.decode()

    def write(self, **fields):
        body = urllib.parse.urlencode(fields).encode()
        return self.request("POST", "/export", body, origin=self.address.rstrip("/"))

    def wait(self, count, what=r'id="frame-(\d+)"'):
        """The page, once so many of something are on it."""
        for _ in range(600):
            page = self.page()
            if len(re.findall(what, page)) >= count:
                return page
            time.sleep(0.05)
        raise AssertionError(page)

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=30)
        return out, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def save_frame(path, number):
    case = make_detector.DETECTORS[0]
    Image.fromarray(make_detector.frames(case)[number]).save(path)


@pytest.fixture
def line(tmp_path, model_file):
    """A folder with the model and frames of a line that are old enough to be whole."""
    shutil.copy(model_file("lite0"), tmp_path / "part.h5")
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        save_frame(frames / f"{number}.png", number)
        os.utime(frames / f"{number}.png", (1_700_000_000 + number,) * 2)
    return tmp_path


@pytest.fixture
def served(line):
    with Served("part.h5", "frames", folder=line) as served:
        served.wait(3)
        yield served


def scores(folder):
    run = subprocess.run(
        [TOOL, "score", "part.h5", "frames", "--format", "json"], cwd=folder, capture_output=True, text=True, check=True
    )
    return {Path(x["file"]).name: x for x in map(json.loads, run.stdout.splitlines())}


def cards(page):
    """Name -> card, in the page's order."""
    found = re.findall(r'<figure class="card.*?</figure>', page, re.DOTALL)
    return {Path(re.search(r'class="name">(.*?)<', card)[1]).name: card for card in found}


def test_the_last_frames_are_shown_as_the_tool_scores_them(served, line):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", served.address)
    shown, expected = cards(served.page()), scores(line)
    assert list(shown) == ["2.png", "1.png", "0.png"]
    for name, card in shown.items():
        assert f"<b>{expected[name]['score']:.4f}</b>" in card
        assert f'class="verdict {expected[name]["verdict"]}">{expected[name]["verdict"]}</b>' in card
        assert f"p-value {expected[name]['p_value']:.4f}" in card
        for picture in re.findall(r'src="(.*?)"', card):
            answer = served.request("GET", picture)
            assert answer.status == 200 and answer.getheader("content-type") == "image/png"
            assert answer.text.startswith(b"\x89PNG")


def test_a_page_needs_nothing_from_elsewhere(served):
    page = served.page()
    addresses = re.findall(r'(?:src|href|action)="(?!data:)(.*?)"', page)
    assert addresses and all(address.startswith("/") and not address.startswith("//") for address in addresses)
    for address in set(addresses) - {"/export"}:
        answer = served.request("GET", address)
        assert answer.status == 200, address
        assert "default-src 'none'" in answer.getheader("content-security-policy")
        assert answer.getheader("cross-origin-resource-policy") == "same-origin"
        assert answer.getheader("cache-control") == "no-store"


def test_frames_that_come_later_appear_first(served, line):
    save_frame(line / "frames" / "new.png", 1)
    assert list(cards(served.wait(4)))[0] == "new.png"
    # The same name again is another frame.
    save_frame(line / "frames" / "new.png", 2)
    page = served.wait(5)
    assert [Path(name).name for name in re.findall(r'class="name">(.*?)<', page)][:2] == ["new.png", "new.png"]


def test_a_frame_that_cannot_be_read_says_so_and_others_go_on(served, line):
    (line / "frames" / "broken.png").write_bytes(b"\x89PNG no more")
    page = served.wait(4)
    card = cards(page)["broken.png"]
    assert "not scored" in card and "broken.png: " in card and "<img" not in card
    assert "1 of those shown could not be scored" in page
    save_frame(line / "frames" / "whole.png", 0)
    assert "whole.png" in cards(served.wait(5))


def test_only_the_last_frames_are_kept(line):
    with Served("part.h5", "frames", "--frames", "2", folder=line) as served:
        page = served.wait(2)
        assert list(cards(page)) == ["2.png", "1.png"]
        save_frame(line / "frames" / "3.png", 0)
        page = served.wait(1, "3.png")
        assert list(cards(page)) == ["3.png", "2.png"]
        assert served.request("GET", "/frames/1/heat.png").status == 404
        assert served.request("GET", "/frames/3/heat.png").status == 200


def test_paths_come_on_standard_input(line):
    with Served("part.h5", "--stdin", folder=line, stdin=subprocess.PIPE) as served:
        assert "There are no frames yet" in served.page()
        served.process.stdin.write("frames/1.png\nframes/none.png\n\nframes/0.pn")
        served.process.stdin.flush()
        page = served.wait(2)
        assert list(cards(page)) == ["none.png", "1.png"] and "not scored" in cards(page)["none.png"]
        served.process.stdin.write("g")
        served.process.stdin.close()
        # The last line needs no end, and the page stays.
        assert list(cards(served.wait(3))) == ["0.png", "none.png", "1.png"]
        served.process.stdin = None
        assert served.stop()[1].endswith("3 frames shown, the page is closed\n")


def test_a_threshold_shows_what_would_change(served, line):
    expected = scores(line)
    own = next(iter(expected.values()))["threshold"]
    assert "This is the detector&#39;s own threshold." in served.page().replace("'", "&#39;")
    lowest, middle, _ = sorted(frame["score"] for frame in expected.values())
    threshold = (lowest + middle) / 2
    page = served.page(f"?threshold={threshold}")
    changed = 0
    for name, card in cards(page).items():
        new = "reject" if expected[name]["score"] > threshold else "pass"
        old = expected[name]["verdict"]
        changed += new != old
        assert ("changed" in card) == (new != old)
        assert (f"{old} → {new}</b>" in card) if new != old else (f">{new}</b>" in card)
    assert changed and f"{changed} of 3 frames would change" in page
    # What is promised is what the calibration's scores say.
    with h5py.File(line / "part.h5") as file:
        calibrated = file["calibration/scores"][()]
    above = int((calibrated > threshold).sum())
    rate = (1 + above) / (1 + len(calibrated))
    assert f"{100 * rate:.2f}".rstrip("0").rstrip(".") + " % on average over calibrations" in page
    assert served.page(f"?threshold={own}").count("changed") == served.page().count("changed")


def test_a_threshold_by_the_share_of_good_frames(served, line):
    with h5py.File(line / "part.h5") as file:
        calibrated = sorted(file["calibration/scores"][()])
    count = len(calibrated)
    ranks = max(int((count + 1) * 0.4 * (1 + 1e-6)), 1)
    page = served.page("?percent=40")
    shown = float(re.search(r'id="threshold"[^>]* value="(.*?)"', page)[1])
    assert shown == pytest.approx(float(calibrated[count - ranks]), rel=1e-6)
    assert 'id="percent"' in page and 'value="40.0"' in page


@pytest.mark.parametrize("query", ["?threshold=high", "?threshold=nan", "?threshold=1e99", "?percent=51", "?percent=-1"])
def test_numbers_that_are_none_are_refused(served, query):
    answer = served.request("GET", "/" + query)
    assert answer.status == 400 and answer.getheader("content-type").startswith("text/plain")
    assert served.request("GET", "/?threshold=").status == 200


def test_the_same_page_is_not_sent_twice(served):
    first = served.request("GET", "/?threshold=1")
    tag = first.getheader("etag")
    assert served.request("GET", "/?threshold=1", if_none_match=tag).status == 304
    assert served.request("GET", "/?threshold=2", if_none_match=tag).status == 200


def test_a_chosen_threshold_is_written_beside_the_model(served, line):
    answer = served.write(threshold="1.25", percent="")
    assert answer.status == 200 and b"part-threshold.h5: written with the threshold 1.25" in answer.text
    with cflowad.Model(line / "part.h5") as old, cflowad.Model(line / "part-threshold.h5") as new:
        assert new.info.threshold == 1.25 and old.info.threshold != 1.25
        assert new.info.identity != old.info.identity
        frame = cflowad.read_image(line / "frames" / "0.png")
        with old.session() as a, new.session() as b:
            assert a.score(frame).score == b.score(frame).score
    info = subprocess.run([TOOL, "info", "part-threshold.h5", "--json"], cwd=line, capture_output=True, check=True)
    assert json.loads(info.stdout)["calibration"]["threshold"] == 1.25
    # The page's detector is still the other one.
    assert "changed" not in "".join(cards(served.page()).values())


def test_a_rate_is_written_as_calibrate_writes_it(served, line):
    assert served.write(threshold="9", percent="40").status == 200
    with h5py.File(line / "part-threshold.h5") as file:
        assert file["calibration"].attrs["wanted_rate"] == pytest.approx(0.4)


def test_in_place_the_detector_is_the_new_one(line):
    with Served("part.h5", "frames", "--in-place", folder=line) as served:
        served.wait(3)
        assert served.write(threshold="0.001").status == 200
        with cflowad.Model(line / "part.h5") as model:
            assert model.info.threshold == pytest.approx(0.001)
        page = served.page()
        assert page.count("verdict reject") == 3 and "detector's own threshold" in page
        # And once more, from there.
        assert served.write(threshold="9").status == 200
        assert served.page().count("verdict pass") == 3


def test_a_model_that_was_exchanged_is_not_written_over(served, line, model_file):
    shutil.copy(model_file("resnet18_reflect"), line / "part.h5")
    answer = served.write(threshold="1.25")
    assert answer.status == 409 and b"another detector" in answer.text
    assert not (line / "part-threshold.h5").exists()


def test_a_shared_encoder_stays_shared(line):
    recalibrated = subprocess.run(
        [TOOL, "calibrate", "part.h5", "frames", "-o", "shared.h5", "--encoder-file", "encoder.h5"],
        cwd=line, capture_output=True, text=True,
    )  # fmt: skip
    assert recalibrated.returncode == 0, recalibrated.stderr
    with Served("shared.h5", "frames", folder=line) as served:
        assert served.write(threshold="1.5").status == 200
    assert (line / "shared-threshold.h5").stat().st_size < (line / "encoder.h5").stat().st_size
    with cflowad.Model(line / "shared-threshold.h5") as model:
        assert model.info.threshold == 1.5


def test_a_folder_that_cannot_be_written_is_told_of(line):
    with Served("part.h5", "frames", folder=line) as served:
        (line / "part-threshold.h5").mkdir()
        answer = served.write(threshold="1")
        assert answer.status == 500 and b"part-threshold.h5: " in answer.text


# ------------------------------------------------------------------------------------------------------------ other sites


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"])
def test_a_foreign_name_gets_nothing(served, host):
    """DNS rebinding: a site's own name that leads to this machine."""
    for path in ["/", "/page.js", "/frames/1/heat.png"]:
        answer = served.request("GET", path, host=host)
        assert answer.status in (400, 421) and b"part" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost:1234", "[::1]:80", "192.168.0.7"])
def test_its_own_names_are_answered(served, host):
    assert served.request("GET", "/", host=host).status == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://127.0.0.1", "http://127.0.0.1"])
def test_only_its_own_pages_write(served, line, origin):
    headers = {} if origin is None else {"origin": origin}
    answer = served.request("POST", "/export", b"threshold=1", **headers)
    assert answer.status == 403
    assert not (line / "part-threshold.h5").exists()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "//etc/passwd", "/frames/0.png", "/../part.h5", "/frames/1/../../part.h5", "/%2e%2e/part.h5",
     "/frames/1/part.h5", "/frames/x/heat.png", "/frames/-1/heat.png", "/export"],
)  # fmt: skip
def test_no_address_is_a_file(served, path):
    assert served.request("GET", path).status == 404


def test_other_methods_and_large_requests_are_refused(served):
    origin = served.address.rstrip("/")
    assert served.request("DELETE", "/", origin=origin).status == 405
    assert served.request("POST", "/", b"", origin=origin).status == 405
    assert served.request("POST", "/export", b"x" * 20_000, origin=origin).status == 413
    head = served.request("HEAD", "/")
    assert head.status == 200 and head.text == b""


def test_what_is_no_http_does_not_harm(served):
    for bytes in [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"a: b\r\n" * 20_000]:
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
            connection.sendall(bytes)
            try:
                connection.recv(1 << 16)
            except ConnectionError:
                pass
    # Nor does somebody who goes away in the middle.
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(b"POST /export HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc")
    assert served.request("GET", "/").status == 200


def test_names_are_shown_as_text(line):
    name = "<img src=x onerror=alert(1)>.png"
    save_frame(line / "frames" / name, 0)
    with Served("part.h5", "frames", folder=line) as served:
        page = served.wait(4)
        assert name not in page and "&lt;img src=x onerror=alert(1)&gt;.png" in page


# -------------------------------------------------------------------------------------------------------- begin and end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(served, number):
    out, errors = served.stop(number)
    assert served.process.returncode == 0
    assert out == "" and errors == "cflowad: 3 frames shown, the page is closed\n"


def failure(*arguments, folder):
    run = subprocess.run([TOOL, "serve", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert run.stdout == ""
    return run.returncode, run.stderr


def test_a_port_in_use_is_named(served, line):
    status, errors = failure("part.h5", "frames", "--port", str(served.port), folder=line)
    assert status == 1
    assert errors.startswith(f"cflowad: port {served.port} of 127.0.0.1 is in use by another program; ")


def test_what_cannot_be_begun_is_said_at_once(line, model_file):
    assert failure("part.h5", "none", folder=line) == (1, "cflowad: none: there is no such folder\n")
    status, errors = failure("none.h5", "frames", folder=line)
    assert status == 1 and errors.startswith("cflowad: none.h5: ")
    (line / "broken.h5").write_bytes((line / "part.h5").read_bytes()[:5000])
    status, errors = failure("broken.h5", "frames", folder=line)
    assert status == 1 and errors.startswith("cflowad: broken.h5: ")
    shutil.copy(model_file("lite0", False), line / "raw.h5")
    status, errors = failure("raw.h5", "frames", folder=line)
    assert status == 1 and "it is not calibrated" in errors
    status, errors = failure("part.h5", "frames", "--host", "no.such.host.invalid", folder=line)
    assert status == 1 and errors == "cflowad: port 8470 of no.such.host.invalid: there is no such address\n"
    status, errors = failure("part.h5", "frames", "-o", "none/out.h5", folder=line)
    assert status == 1 and errors.startswith("cflowad: none/out.h5: ")


def test_a_folder_that_goes_away_is_told_of_and_may_come_back(served, line):
    (line / "frames").rename(line / "gone")
    assert "the folder cannot be read" in served.wait(1, "the folder cannot be read")
    (line / "gone").rename(line / "frames")
    save_frame(line / "frames" / "3.png", 0)
    assert "3.png" in cards(served.wait(1, "3.png"))


def test_other_machines_write_only_where_it_is_said(line):
    with Served("part.h5", "frames", "--host", "0.0.0.0", folder=line) as served:
        assert "other machines may reach this page" in served.process.stderr.readline()
        origin = f"http://127.0.0.1:{served.port}"
        answer = served.request("POST", "/export", b"threshold=1", origin=origin)
        assert answer.status == 409 and b"--output" in answer.text
        assert "Nothing can be written from this page" in served.page()
    with Served("part.h5", "frames", "--host", "0.0.0.0", "-o", "out.h5", folder=line) as served:
        origin = f"http://127.0.0.1:{served.port}"
        assert served.request("POST", "/export", b"threshold=1", origin=origin).status == 200
        assert (line / "out.h5").exists()
