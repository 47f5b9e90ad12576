"""Several models in one session."""

import copy
import gc
import pickle
import threading

import cflowad
import numpy as np
import pytest


@pytest.fixture(scope="module")
def models(model_file):
    """Two encoders, three input sizes, and one of them twice."""
    names = ("lite0", "resnet18_reflect", "lite0", "resnet18_zeros")
    return [cflowad.Model(model_file(name)) for name in names]


def frames():
    random = np.random.RandomState(4)
    return [random.randint(0, 256, (8, 10, 3)).astype(np.uint8).repeat(9, 0).repeat(7, 1) for _ in range(2)]


def test_all_at_once_is_one_by_one(models):
    with cflowad.Session(models) as together:
        assert [info.architecture for info in together.infos] == [model.info.architecture for model in models]
        for frame in frames():
            results = together.score_all(frame, maps=["map", "frame_map", "log_likelihoods", "features"])
            assert len(results) == len(models)
            for model, result in zip(models, results):
                with model.session() as session:
                    alone = session.score(frame, maps=["map", "frame_map", "log_likelihoods", "features"])
                assert (result.score, result.threshold) == (alone.score, alone.threshold)
                assert np.array_equal(result.map, alone.map) and np.array_equal(result.frame_map, alone.frame_map)
                for name in ("log_likelihoods", "features"):
                    assert all(map(np.array_equal, getattr(result, name), getattr(alone, name)))
            assert together.score(frame).score == results[0].score


def test_replacing(models):
    frame = frames()[0]
    scores = []
    for model in models:
        with model.session() as session:
            scores.append(session.score(frame).score)
    with cflowad.Session(models[:2]) as session:
        session.replace_model(1, models[3])
        assert [result.score for result in session.score_all(frame)] == [scores[0], scores[3]]
        session.replace_model(0, models[1])
        results = session.score_all(frame, maps=["map"])
        assert [result.score for result in results] == [scores[1], scores[3]]
        assert results[0].map.shape == (models[1].info.input_height, models[1].info.input_width)
        with pytest.raises(IndexError):
            session.replace_model(2, models[0])
    with pytest.raises(cflowad.InvalidArgumentError):
        cflowad.Session([])


def test_models_of_other_sizes_come_while_threads_score(models):
    """Every result is wholly one model's, whatever the size of its arrays."""
    maps = ["map", "frame_map", "log_likelihoods", "features"]
    frame, pair = frames()[0], models[:2]
    expected = []
    for model in pair:
        with model.session() as session:
            expected.append(session.score(frame, maps=maps))
    assert expected[0].map.shape != expected[1].map.shape

    def is_one_of(result):
        def arrays(result):
            return [result.map, result.frame_map, *result.log_likelihoods, *result.features]

        return any(
            result.score == whole.score and all(map(np.array_equal, arrays(result), arrays(whole))) for whole in expected
        )

    wrong, counts, done = [], [0, 0], threading.Event()

    def watch(session, number):
        try:
            while not done.is_set() or counts[number] < 5:
                results = [session.score(frame, maps=maps), *session.score_all(frame, maps=maps)]
                results += session.score_batch([frame, frame], maps=maps)
                wrong.extend(result for result in results if not is_one_of(result))
                counts[number] += 1
        except Exception as error:
            wrong.append(error)

    sessions = [cflowad.Session(pair, threads=1) for _ in counts]
    cameras = [threading.Thread(target=watch, args=(session, i)) for i, session in enumerate(sessions)]
    for camera in cameras:
        camera.start()
    swaps = 0
    while swaps < 40 or min(counts) < 5 and not wrong:
        swaps += 1
        for session in sessions:
            session.replace_model(swaps // 2 % 2, pair[swaps % 2])
    done.set()
    for camera in cameras:
        camera.join()
    for session in sessions:
        session.close()
    assert not wrong


def test_handles_are_not_copied(small, frame):
    """A copy would close what it shares."""
    with small.session(threads=1) as session:
        for handle in (small, session):
            for copier in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match=f"a {type(handle).__name__} cannot be copied"):
                    copier(handle)
        gc.collect()
        assert session.score(frame).score > 0
