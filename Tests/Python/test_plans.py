"""How long a fit trains: time budgets, presets, and what contradicts them. No test measures a machine's speed."""

import cflowad
import h5py
import pytest
from small_trainings import encoder, fitted, frames  # noqa: F401 (a fixture)


def flows(trainer, path):
    """The flows' tensors as bytes."""
    trainer.save(path)
    with h5py.File(path) as file:
        return {
            f"{level}/{key}": value[()].tobytes() for level in file["flow"] for key, value in file["flow"][level].items()
        }


#: Not read, and so refused, by a Gaussian alone.
SMALL = {"coupling_blocks": 3, "condition_channels": 8, "fiber_batch": 16}


def unfitted(encoder, **options):  # noqa: F811
    is_gaussian_alone = options.get("start") == "gaussian" and options.get("coupling_steps") == 0
    size = {} if is_gaussian_alone else SMALL
    trainer = cflowad.Trainer(encoder, input_width=64, input_height=64, level_count=2, **size, **options)
    for frame in frames(12):
        trainer.add_frame(frame)
    for frame in frames(3, seed=1):
        trainer.add_frame(frame, role="calibration")
    return trainer


@pytest.mark.parametrize("start", ["gaussian", "whitened"])
def test_no_time_is_the_closed_form_alone(encoder, start, tmp_path):  # noqa: F811
    hurried = unfitted(encoder, start=start, time_budget=1e-6)
    hurried.fit()
    assert hurried.coupling_steps == 0
    plain = unfitted(encoder, start=start, coupling_steps=0)
    plain.fit()
    assert flows(hurried, tmp_path / "hurried.h5") == flows(plain, tmp_path / "plain.h5")


@pytest.mark.parametrize("start", ["automatic", "whitened"])
def test_a_budget_is_repeated_by_its_steps_and_taken_up_again(encoder, start, tmp_path):  # noqa: F811
    checkpoint = tmp_path / "state.h5"
    planned = []

    def stop(progress):
        planned.append(progress.epochs)
        return progress.stage == "fit" and checkpoint.exists()

    with pytest.raises(cflowad.CancelledError):
        unfitted(encoder, start=start, time_budget=3, learning_rate=1e-3).fit(stop, checkpoint)
    again = unfitted(encoder, start=start, time_budget=3, learning_rate=1e-3)
    again.fit(checkpoint=checkpoint)
    # The plan of the run that was stopped, not one of its own.
    assert again.coupling_steps == planned[-1] > 0
    repeated = unfitted(encoder, start=start, coupling_steps=again.coupling_steps, learning_rate=1e-3)
    repeated.fit()
    assert flows(again, tmp_path / "again.h5") == flows(repeated, tmp_path / "repeated.h5")


def test_a_checkpoint_of_another_plan_is_refused(encoder, tmp_path):  # noqa: F811
    checkpoint = tmp_path / "state.h5"
    unfitted(encoder, start="gaussian", coupling_steps=60).fit(checkpoint=checkpoint)
    for options in ({"coupling_steps": 61}, {"time_budget": 5}, {"coupling_steps": 60, "gaussian_bytes": 0}):
        with pytest.raises(cflowad.StateError, match="its options are others"):
            unfitted(encoder, start="gaussian", **options).fit(checkpoint=checkpoint)
    with pytest.raises(cflowad.StateError, match="its options are others"):
        unfitted(encoder, start="whitened", coupling_steps=60).fit(checkpoint=checkpoint)


def test_presets_are_what_they_stand_for(encoder, tmp_path):  # noqa: F811
    quick = fitted(encoder, frames(12), frames(3, seed=1), preset="quick")
    plain = fitted(encoder, frames(12), frames(3, seed=1), start="gaussian", coupling_steps=0)
    assert flows(quick, tmp_path / "quick.h5") == flows(plain, tmp_path / "plain.h5")
    paper = unfitted(encoder, preset="paper", meta_epochs=1, sub_epochs=1, rotation_degrees=0)
    paper.fit()
    assert "0/module_list.1.w_perm" in flows(paper, tmp_path / "paper.h5") and paper.coupling_steps == 0
    planned = []
    with pytest.raises(cflowad.CancelledError):
        unfitted(encoder, preset="best").fit(lambda progress: planned.append(progress.epochs) or progress.epochs > 0)
    assert planned[-1] == 2000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_budget": 5, "coupling_steps": 5}, "contradict"),
        ({"time_budget": 5, "coupling_steps": 0}, "contradict"),
        ({"preset": "quick", "start": "gaussian"}, "preset quick decides"),
        ({"preset": "best", "coupling_steps": 0}, "preset best decides"),
        ({"preset": "paper", "time_budget": 1}, "preset paper decides"),
        ({"preset": "best", "meta_epochs": 3}, "no effect on a gaussian start: meta epochs"),
        ({"start": "whitened", "gaussian_bytes": 1}, "memory of the Gaussian has no effect on a whitened start"),
        ({"start": "paper", "time_budget": 1}, "time budget plans coupling steps"),
        ({"time_budget": 5, "meta_epochs": 3}, "no effect on a gaussian start: meta epochs"),
        ({"start": "gaussian", "image_batch": 3}, "no effect on a gaussian start without coupling steps: image batch"),
        ({"time_budget": float("nan")}, "time budget"),
        ({"time_budget": -1.0}, "time budget"),
    ],
)
def test_contradictions_are_refused(encoder, options, message):  # noqa: F811
    with pytest.raises(cflowad.InvalidArgumentError, match=message):
        cflowad.Trainer(encoder, **options)
    with pytest.raises(ValueError, match="preset must be one of"):
        cflowad.Trainer(encoder, preset="slow")
