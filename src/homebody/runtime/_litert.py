"""Run a ``.tflite`` model with LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime import tflite
from homebody.runtime._greeting import without_greeting


class TensorSpec(msgspec.Struct, frozen=True):
    """What goes in or comes out: a name, a shape and a numpy dtype's name."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Model:
    """A network ready to run on this device's CPU.

    One model runs one call at a time; make one for each thread.

    Args:
        data: a ``.tflite`` file's bytes. They are verified before the runtime sees them.
        threads: how many threads an operation may use, 1 or more.

    Raises:
        ModelError: when the bytes are damaged, or hold an operation this runtime lacks.

    Example:
        >>> model = Model(Path("model.tflite").read_bytes())        # doctest: +SKIP
        >>> model.inputs                                            # doctest: +SKIP
        (TensorSpec(name='image', shape=(1, 227, 227, 3), dtype='float32'),)
        >>> (logits,) = model(np.zeros((1, 227, 227, 3), np.float32))   # doctest: +SKIP
    """

    def __init__(self, data: bytes, *, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        tflite.parse(data)
        try:
            with without_greeting():
                self._interpreter: Any = Interpreter(model_content=data, num_threads=threads)
                self._interpreter.allocate_tensors()
            inputs = self._interpreter.get_input_details()
            outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"LiteRT cannot run this model: {reason}; "
                "convert it again with built-in operations only"
            ) from error
        self._input_indices = [d["index"] for d in inputs]
        self._output_indices = [d["index"] for d in outputs]
        self.inputs = tuple(_spec(d) for d in inputs)
        self.outputs = tuple(_spec(d) for d in outputs)

    def run_into(self, outputs: Sequence[NDArray[Any]], *inputs: NDArray[Any]) -> None:
        """Run once over arrays that are known to fit, without making new ones.

        Args:
            outputs: one array for each of :attr:`outputs`, written to.
            inputs: one array for each of :attr:`inputs`.
        """
        view = self._interpreter.tensor
        for index, value in zip(self._input_indices, inputs, strict=True):
            np.copyto(view(index)(), value)
        self._interpreter.invoke()
        for index, out in zip(self._output_indices, outputs, strict=True):
            np.copyto(out, view(index)())

    def __call__(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run once.

        Args:
            inputs: one array for each of :attr:`inputs`, of exactly its shape and dtype.

        Returns:
            One new array for each of :attr:`outputs`.

        Raises:
            ModelError: when an input's number, shape or dtype is not the model's.
        """
        if len(inputs) != len(self.inputs):
            raise ModelError(
                f"the model takes {len(self.inputs)} inputs and was given {len(inputs)}; "
                f"give {', '.join(s.name for s in self.inputs)}"
            )
        for spec, index, array in zip(self.inputs, self._input_indices, inputs, strict=True):
            if array.shape != spec.shape or array.dtype.name != spec.dtype:
                raise ModelError(
                    f"input {spec.name!r} was given {array.dtype.name}{list(array.shape)}; "
                    f"expected {spec.dtype}{list(spec.shape)}"
                )
            self._interpreter.set_tensor(index, array)
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT stopped: {' '.join(str(error).split())}") from error
        return tuple(np.array(self._interpreter.get_tensor(i)) for i in self._output_indices)


def _spec(detail: dict[str, Any]) -> TensorSpec:
    return TensorSpec(
        detail["name"], tuple(int(d) for d in detail["shape"]), np.dtype(detail["dtype"]).name
    )
