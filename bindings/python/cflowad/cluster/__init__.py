"""Scoring of archives and training of many detectors on one machine or several, by Ray (docs/cluster.md).

    from cflowad import cluster

    cluster.score("detector.h5", "archive/", "scored/")
    table = cluster.read_results("scored/")

A run keeps what is done in its folder: the same call takes up one that was interrupted. Needs the packages ray and pyarrow.
"""

from __future__ import annotations

try:
    import pyarrow  # type: ignore[import-untyped]  # noqa: F401
    import ray  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"cflowad.cluster needs Ray and pyarrow, but {error.name} is not installed: pip install ray pyarrow"
    ) from error

from ._errors import ClusterError, RunChangedError
from ._scoring import ScoreProgress, ScoreSummary, read_results, score
from ._training import TrainProgress, TrainSummary, train

__all__ = [
    "ClusterError",
    "RunChangedError",
    "ScoreProgress",
    "ScoreSummary",
    "TrainProgress",
    "TrainSummary",
    "read_results",
    "score",
    "train",
]
