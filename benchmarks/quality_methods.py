"""The methods that benchmarks/quality.py compares, by name."""

import time
from collections import Counter

import cflowad
import numpy as np
from padim import PaDiM
from patchcore import PatchCore
from quality_features import Encoder
from quality_measures import Judgement

HELD_BACK, FALSE_REJECT_RATE = 0.1, 0.01


class Clock:
    """Seconds, and seconds of all processors together, that stages took: a stage lasts from one tick to the next."""

    def __init__(self):
        self.seconds, self.processor_seconds = Counter(), 0.0
        self.last = time.perf_counter(), time.process_time()

    def tick(self, stage):
        """What has passed since the last tick was this stage's."""
        now = time.perf_counter(), time.process_time()
        self.seconds[stage] += now[0] - self.last[0]
        self.processor_seconds += now[1] - self.last[1]
        self.last = now

    def result(self):
        named = {f"{stage}_seconds": self.seconds[stage] for stage in ("encode", "fit", "calibrate")}
        return {**named, "processor_seconds": self.processor_seconds}


# ----------------------------------------------------------------------------------------------------------- the library


class Trained:
    """A detector of the library as it would be deployed."""

    def __init__(self, model):
        self.model, self.session = model, model.session()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()
        self.model.close()

    def judge(self, frame):
        result = self.session.score(frame, maps=["map"])
        verdict = result.verdict
        return Judgement(
            result.score, result.map, verdict == cflowad.Verdict.REJECT, verdict == cflowad.Verdict.PASS
        )


class Library:
    """cflowad.Trainer with these options; the others have their defaults."""

    def __init__(self, **options):
        self.options = options

    def __call__(self, encoder, size):
        self.encoder, self.size = encoder, size
        return self

    def train(self, frames, seed):
        clock = Clock()
        with cflowad.Trainer(
            self.encoder, input_width=self.size, input_height=self.size, seed=seed,
            calibration_fraction=HELD_BACK, false_reject_rate=FALSE_REJECT_RATE, **self.options,
        ) as trainer:  # fmt: skip
            for frame in frames:
                trainer.add_frame(frame)
            clock.tick("encode")
            trainer.fit(lambda progress: clock.tick(progress.stage))
            clock.tick("fit")
            trainer.calibrate()
            clock.tick("calibrate")
            return Trained(trainer.model()), clock.result()


# ------------------------------------------------------------------------------------------------------- the alternatives


class Threshold:
    """A detector by features, rejecting above the scores of good frames that it was not fitted to.

    The threshold is split-conformal, as the library's: of n scores the k-th smallest, k = ceil((n + 1) (1 - rate)), or the
    largest when they are too few for the rate.
    """

    def __init__(self, detector, encoder, held_back):
        self.detector, self.encoder = detector, encoder
        scores = np.sort([detector.judge(levels)[0] for levels in held_back])
        self.threshold = scores[min(int(np.ceil((len(scores) + 1) * (1 - FALSE_REJECT_RATE))), len(scores)) - 1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def judge(self, frame):
        score, heat = self.detector.judge(self.encoder.features(frame))
        return Judgement(score, heat, bool(score > self.threshold), bool(score <= self.threshold))


class ByFeatures:
    """A method that needs nothing but the features of good frames, of one encoder for all its trainings."""

    def __init__(self, kind, is_behind_residual=True):
        self.kind, self.is_behind_residual = kind, is_behind_residual

    def __call__(self, encoder, size):
        self.encoder, self.size = Encoder(encoder, size, self.is_behind_residual), size
        return self

    def train(self, frames, seed):
        clock = Clock()
        features = [self.encoder.features(frame) for frame in frames]
        clock.tick("encode")
        order = np.random.RandomState(seed).permutation(len(features))
        held = max(1, round(HELD_BACK * len(features)))
        levels = [np.stack(level) for level in zip(*(features[n] for n in order[held:]))]
        detector = self.kind(levels, self.size, seed)
        clock.tick("fit")
        detector = Threshold(detector, self.encoder, [features[n] for n in order[:held]])
        clock.tick("calibrate")
        return detector, clock.result()


#: Name in the tables -> (encoder file, input size) -> method. PaDiM has both kinds of features, because each is better on
#: some class. The paper's passes have no augmentation, so that the encoder runs once per frame, as in all others.
METHODS = {
    "PaDiM": ByFeatures(PaDiM),
    "PaDiM, before the residual": ByFeatures(PaDiM, is_behind_residual=False),
    "PatchCore": ByFeatures(PatchCore),
    "paper, 2 x 2": Library(start="paper", meta_epochs=2, sub_epochs=2, warmup_epochs=1, rotation_degrees=0),
    "paper, 5 x 4": Library(start="paper", meta_epochs=5, sub_epochs=4, warmup_epochs=2, rotation_degrees=0),
    "library's defaults": Library(),
    "with couplings": Library(coupling_steps=400),
}
