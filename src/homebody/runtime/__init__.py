"""Run a model on this device, and say what is in it."""

from __future__ import annotations

from homebody.runtime._litert import Model, TensorSpec
from homebody.runtime.summary import ModelSummary, OperationSummary, summarize

__all__ = ["Model", "ModelSummary", "OperationSummary", "TensorSpec", "summarize"]
