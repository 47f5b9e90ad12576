"""Engines that take turns, and what their times say."""

import time

WARM_UP = 2


def take_turns(engines, seconds, fewest, most):
    """Milliseconds of every engine in every round, for about so many seconds.

    In a round every engine scores once, in an order that changes with the round, so that a machine whose speed drifts
    drifts for all.
    """
    names, times = list(engines), {name: [] for name in engines}
    end = time.perf_counter() + seconds
    for n in range(most + WARM_UP):
        if n >= fewest + WARM_UP and time.perf_counter() > end:
            break
        for name in names[n % len(names) :] + names[: n % len(names)]:
            start = time.perf_counter()
            engines[name]()
            if n >= WARM_UP:
                times[name].append(1e3 * (time.perf_counter() - start))
            # Other engines' threads fall asleep: those of libgomp, which PyTorch has, wait actively for some milliseconds.
            time.sleep(0.02)
    return times


def percentile(values, percent):
    """The smallest value that so many per cent of the values are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
