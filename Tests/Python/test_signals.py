"""Interrupts while the library works: they come out as what they are, and nothing is printed."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

from cflowad._signals import DeferredSignals  # noqa: E402

# The interrupt arrives while the interpreter is between two instructions of the callback's own code: set up by a trace
# function, which gets to see every line, also those around the callback's `try`.
PROGRAM = """
import os, signal, sys
sys.path[:0] = {path!r}
# Who runs the tests in the background of a shell has interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
import cflowad, numpy as np
from cflowad import _trainer

moment, count = int(sys.argv[1]), 0

def trace(frame, event, argument):
    global count
    if frame.f_code.co_filename == _trainer.__file__ and frame.f_code.co_name == "report" or count:
        count += 1
        if count == moment:
            signal.raise_signal(signal.SIGINT)
    return trace

trainer = cflowad.Trainer({encoder!r}, input_width=64, input_height=64, coupling_blocks=1, level_count=1, meta_epochs=3,
                          sub_epochs=3, rotation_degrees=0.0, warmup_epochs=1)
for seed in range(4):
    trainer.add_frame(np.random.RandomState(seed).randint(0, 256, (64, 64), np.uint8))
try:
    sys.settrace(trace)
    trainer.fit()
    sys.settrace(None)
except KeyboardInterrupt:
    sys.settrace(None)
    print("interrupted")
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    make_detector = pytest.importorskip("make_detector")
    path = tmp_path_factory.mktemp("encoder") / "detector.h5"
    make_detector.write_model("lite0", path, True)
    return str(path)


@pytest.mark.parametrize("moment", [1, 2, 3, 4, 5, 8])
def test_keyboard_interrupt(encoder, moment):
    program = PROGRAM.format(path=[str(ROOT / "bindings" / "python")], encoder=encoder)
    run = subprocess.run([sys.executable, "-c", program, str(moment)], capture_output=True, text=True, timeout=120)
    assert run.stderr == "" and run.stdout == "interrupted\n" and run.returncode == 0


def test_handlers_are_put_off_and_come_back():
    calls = []

    def handler(number, frame):
        calls.append(number)

    before = signal.signal(signal.SIGUSR1, handler)
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with DeferredSignals() as signals:
            signal.raise_signal(signal.SIGUSR1)
            assert calls == []
            signals.run()
            assert calls == [signal.SIGUSR1]
            signal.raise_signal(signal.SIGUSR1)
        assert calls == [signal.SIGUSR1] * 2 and signal.getsignal(signal.SIGUSR1) is handler
        signal.raise_signal(signal.SIGUSR1)
        assert len(calls) == 3
        with pytest.raises(KeyboardInterrupt), DeferredSignals():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGUSR1) is handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGUSR1, before)
        signal.signal(signal.SIGINT, interrupted)


def test_other_threads_need_nothing():
    failures = []

    def work():
        try:
            with DeferredSignals() as signals:
                signals.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
