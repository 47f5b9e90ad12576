"""Frames scored in an event loop."""

import asyncio
import gc

import cflowad
import numpy as np
import pytest


def frames(count=6):
    random = np.random.RandomState(3)
    return [random.randint(0, 256, (60 + i, 90 - 2 * i, 3)).astype(np.uint8) for i in range(count)]


def test_the_bits_of_the_session(small):
    images = frames()
    with small.session(regions=5) as session:
        expected = [session.score(image, maps=["map", "frame_map", "features"]) for image in images]

        async def score():
            async with session.queue(capacity=3) as queue:
                # More tasks than places.
                return await asyncio.gather(*(queue.score(image, maps=["map", "frame_map", "features"]) for image in images))

        for found, wanted in zip(asyncio.run(score()), expected):
            assert (found.score, found.verdict, found.p_value) == (wanted.score, wanted.verdict, wanted.p_value)
            assert np.array_equal(found.map, wanted.map) and np.array_equal(found.frame_map, wanted.frame_map)
            assert all(map(np.array_equal, found.features, wanted.features))
            assert len(found.regions) == len(wanted.regions) and found.region_count == wanted.region_count
        # The session is its caller's again.
        assert session.score(images[0]).score == expected[0].score


def test_the_loop_goes_on(small):
    """While a frame of many pixels is scored, other tasks run."""
    image = np.random.RandomState(1).randint(0, 256, (2500, 2500, 3)).astype(np.uint8)
    steps = 0

    async def count():
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    async def score():
        async with session.queue() as queue:
            counter = asyncio.create_task(count())
            await queue.score(image)
            counter.cancel()

    with small.session(threads=1) as session:
        asyncio.run(score())
    assert steps > 10


def test_late_and_cancelled(small):
    images = frames(4)
    large = np.zeros((3000, 3000, 3), np.uint8)

    async def score(session):
        async with session.queue(capacity=4) as queue:
            first = asyncio.create_task(queue.score(large))
            late = asyncio.create_task(queue.score(images[0], start_within=1e-9))
            dropped = asyncio.create_task(queue.score(images[1]))
            good = asyncio.create_task(queue.score(images[2], start_within=1000))
            await asyncio.sleep(0)  # all are submitted
            dropped.cancel()
            with pytest.raises(cflowad.LateError):
                await late
            with pytest.raises(asyncio.CancelledError):
                await dropped
            results = await first, await good
            assert queue.state.late == 1 and queue.state.cancelled <= 1 and queue.state.scored + queue.state.cancelled == 3
            return results

    with small.session() as session:
        expected = session.score(large).score, session.score(images[2]).score
        assert tuple(result.score for result in asyncio.run(score(session))) == expected


def test_cancelling_all_and_closing(small):
    large = np.zeros((3000, 3000, 3), np.uint8)

    async def score(session):
        queue = session.queue(capacity=3)
        tasks = [asyncio.create_task(queue.score(large)) for _ in range(3)]
        await asyncio.sleep(0)
        count = queue.cancel_all()
        assert 2 <= count <= 3
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, cflowad.CancelledError) for one in found) == count
        # Closed with frames under way and tasks that wait for a place.
        tasks = [asyncio.create_task(queue.score(large)) for _ in range(5)]
        await asyncio.sleep(0)
        queue.close()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = (cflowad.Result, cflowad.CancelledError, cflowad.InvalidHandleError)
        assert all(isinstance(one, kinds) for one in found)
        assert any(isinstance(one, cflowad.InvalidHandleError) for one in found)
        queue.close()
        with pytest.raises(cflowad.InvalidHandleError):
            await queue.score(large)

    with small.session() as session:
        asyncio.run(score(session))


def test_memory_of_frames_is_kept(small):
    """The only reference to a frame is the queue's."""

    async def score(session):
        async with session.queue(capacity=8) as queue:
            tasks = []
            for image in frames():
                tasks.append(asyncio.create_task(queue.score(image.copy())))
                await asyncio.sleep(0)
            gc.collect()
            return [result.score for result in await asyncio.gather(*tasks)]

    with small.session() as session:
        assert asyncio.run(score(session)) == [session.score(image).score for image in frames()]


def test_models_of_other_sizes_come_meanwhile(small, model_file):
    """No frame fails, whatever the size of the maps when its turn has come."""
    image = frames()[0]
    with cflowad.Model(model_file("resnet18_reflect")) as other, small.session() as session:
        expected = {session.score(image).score}
        with other.session() as alone:
            expected.add(alone.score(image).score)

        async def score():
            async with session.queue(capacity=2) as queue:
                tasks = [asyncio.create_task(queue.score(image, maps=["map"])) for _ in range(30)]
                for i in range(10):
                    await asyncio.to_thread(session.replace_model, 0, (other, small)[i % 2])
                return await asyncio.gather(*tasks)

        results = asyncio.run(score())
        assert {result.score for result in results} <= expected
        assert all(np.isclose(result.map.max(), result.score) for result in results)


def test_drained_queues_take_nothing(small):
    async def score(session):
        async with session.queue() as queue:
            task = asyncio.create_task(queue.score(frames()[0]))
            await asyncio.sleep(0)
            await queue.drain()
            assert (await task).score > 0
            with pytest.raises(cflowad.StateError):
                await queue.score(frames()[0])

    with small.session() as session:
        asyncio.run(score(session))


def test_bad_calls(small):
    with small.session() as session:
        for capacity in (0, 1025):
            with pytest.raises(cflowad.InvalidArgumentError):
                session.queue(capacity)
        with pytest.raises(TypeError):
            session.queue(2.5)

        async def score():
            async with session.queue() as queue:
                with pytest.raises(ValueError):
                    await queue.score(frames()[0], start_within=0)
                with pytest.raises(ValueError):
                    await queue.score(frames()[0], maps=["none"])
                with pytest.raises(TypeError):
                    await queue.score(np.zeros((4, 4), np.float32))
                assert (await queue.score(frames()[0])).score > 0

        asyncio.run(score())
        queue = session.queue()
        asyncio.run(queue.score(frames()[0]))
        with pytest.raises(RuntimeError, match="loop"):
            asyncio.run(queue.score(frames()[0]))
        queue.close()
