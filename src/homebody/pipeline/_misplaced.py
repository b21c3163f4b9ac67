"""What every pipeline says of an operation that it does not run."""

from __future__ import annotations

from homebody.bundle.operations import Operation, operation_name
from homebody.errors import FeatureError


def misplaced(operation: Operation, pipeline: str) -> FeatureError:
    """The error for an operation where a task does not run it."""
    return FeatureError(
        f"the {pipeline} pipeline holds {operation_name(operation)}, which this task does not "
        "run there; correct the manifest or load the bundle with the feature it was made for"
    )
