"""Worker processes that are forked, as multiprocessing makes them on Linux."""

import subprocess
import sys

SCRIPT = """
import multiprocessing, sys, threading, warnings
import cflowad, numpy as np

warnings.simplefilter("ignore")  # Python's own about forks beside threads
path = sys.argv[1]
frame = (np.arange(64 * 80 * 3) * 7 % 251).astype(np.uint8).reshape(64, 80, 3)
fork = multiprocessing.get_context("fork")

def open_and_score(_):
    with cflowad.Model(path) as model, model.session(threads=2) as session:
        return session.score(frame).score

def score_with_the_parents(_):
    return session.score(frame).score

def run(function):
    with fork.Pool(3) as pool:
        return set(pool.map_async(function, range(6)).get(timeout=120))

scores = run(open_and_score)  # before anything was called here
model = cflowad.Model(path)
session = model.session(threads=2)
scores |= {session.score(frame).score} | run(open_and_score) | run(score_with_the_parents)
assert len(scores) == 1, scores

def refused(trainer, statuses):
    def within(progress):
        child = fork.Process(target=say, args=(statuses,))
        child.start()
        child.join(120)
        return True
    try:
        trainer.calibrate(within)
    except cflowad.CancelledError:
        pass

def say(statuses):
    try:
        session.score(frame)
    except cflowad.StateError as error:
        statuses.put(str(error))

with cflowad.Trainer(path, threads=1) as trainer:
    trainer.add_frame(frame, role="calibration")
    statuses = fork.SimpleQueue()
    refused(trainer, statuses)
    assert "forked while a call of the library ran" in statuses.get()
print("passed")
"""


def test_forked_workers(model_file):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(model_file("lite0"))], capture_output=True, text=True, timeout=300,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert run.returncode == 0 and run.stdout == "passed\n", run.stdout + run.stderr
