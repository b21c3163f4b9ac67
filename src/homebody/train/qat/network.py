"""A float ``.tflite`` file as a Keras model that computes as its int8 form will.

The file is what the converter leaves of a net: batch norm folded into weights, activations fused
into the operations before them. So one operation is one kernel, and a kernel rounds exactly once:
at its output. Which tensors share a grid, and which grids the specification fixes, is the same
plan that post-training quantization follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from homebody.errors import ModelError, TrainError, UsageError
from homebody.shrink.quantization import (
    BIAS_LIMIT,
    Graph,
    Parameters,
    Plan,
    Weighted,
    make_plan,
    parameters,
    rewrite,
)
from homebody.train.qat.fake_quantize import (
    Grid,
    Range,
    quantize,
    quantize_bias,
    quantize_weights,
    weight_codes,
    weight_scale,
)
from homebody.train.qat.operations import COMPUTE, KEEPS_CODES


class QuantizationAware(keras.Model):  # type: ignore[misc]
    """A network that is trained with int8's rounding in its forward pass.

    Call :meth:`calibrate` once, then ``compile`` and ``fit`` as ever, then :meth:`export`.

    Args:
        data: a float32 ``.tflite`` file with one input and one output, batch first.
        weight_bits: 2..8; codes of fewer bits are stored as int8.
        ranges: how activations' ranges develop: ``"learned"`` by gradient, ``"ema"`` by moving
            average of the batches' extremes, ``"fixed"`` as calibrated.

    Raises:
        ModelError: the file is damaged, or holds an operation that would not become int8 or
            that this class does not compute.

    Example:
        >>> net = quantization_aware(to_tflite(model))                     # doctest: +SKIP
        >>> net.calibrate([photos])                                        # doctest: +SKIP
        >>> net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        ...                                                                # doctest: +SKIP
        >>> net.fit(photos, labels)                                        # doctest: +SKIP
        >>> model = net.export_tflite()                                    # doctest: +SKIP
    """

    def __init__(
        self,
        data: bytes,
        *,
        weight_bits: int = 8,
        ranges: Literal["learned", "ema", "fixed"] = "learned",
    ) -> None:
        super().__init__(name="quantization_aware")
        if not 2 <= weight_bits <= 8:
            raise UsageError(f"weight_bits is {weight_bits}; give 2 to 8")
        if ranges not in ("learned", "ema", "fixed"):
            raise UsageError(f"ranges is {ranges!r}; give 'learned', 'ema' or 'fixed'")
        self._data, self._bits, self._follows = data, weight_bits, ranges == "ema"
        self._graph = graph = Graph(data)
        self._plan = _whole_plan(graph)
        self._calibrated = False
        self._activations = set(graph.activations())
        roots = sorted(set(self._plan.group.values()) - set(self._plan.fixed))
        self._ranges = [Range(learned=ranges == "learned", name=f"range_{r}") for r in roots]
        self._range_of = dict(zip(roots, self._ranges, strict=True))
        self._learned: dict[int, tuple[Any, Any]] = {}
        for index, rule in self._plan.rules.items():
            if rule.weights is not None:
                op = graph.operators[index]
                place = rule.weights
                bias = op.inputs[place.bias] if len(op.inputs) > place.bias else -1
                self._learned[index] = (
                    self._variable(f"kernel_{index}", graph.constant(op.inputs[place.input])),
                    None if bias < 0 else self._variable(f"bias_{index}", graph.constant(bias)),
                )
        self.built = True

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The output's shape, None for the batch."""
        return (None, *self._graph.shape(self._graph.outputs[0])[1:])

    def _variable(self, name: str, values: NDArray[np.float32] | None) -> Any:
        assert values is not None
        found = self.add_weight(name=name, shape=values.shape, trainable=True)
        found.assign(values)
        return found

    def calibrate(self, batches: Iterable[NDArray[np.float32]]) -> None:
        """Start every range at the extremes that the float net shows.

        Args:
            batches: inputs, float32 [n, ...], each batch of any n.

        Raises:
            TrainError: there is no batch, or it gives values that are not finite.
        """
        seen: dict[int, list[float]] = {}
        for batch in batches:
            for tensor, value in self._run(ops.convert_to_tensor(batch), exact=True).items():
                low, high = float(ops.min(value)), float(ops.max(value))
                held = seen.setdefault(tensor, [0.0, 0.0])
                held[0], held[1] = min(held[0], low), max(held[1], high)
        if not seen or not np.isfinite(list(seen.values())).all():
            raise TrainError(
                "the ranges cannot be calibrated: the inputs are none, or give values that are "
                "not finite; give some real inputs"
            )
        for root, held_by in self._range_of.items():
            members = [seen[t] for t, r in self._plan.group.items() if r == root and t in seen]
            held_by.set(min(low for low, _ in members), max(high for _, high in members))
        self._calibrated = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The output, float32 and on its int8 grid."""
        if not self._calibrated:
            raise TrainError("the ranges are not calibrated; call calibrate(batches) first")
        return self._run(inputs, follow=bool(training) and self._follows)[self._graph.outputs[0]]

    def _grid(self, tensor: int) -> Grid:
        root = self._plan.group[tensor]
        fixed = self._plan.fixed.get(root)
        if fixed is not None:
            return Grid(ops.convert_to_tensor(np.float32(fixed.scale)), float(fixed.zero_point))
        return self._range_of[root].grid()

    def _run(self, inputs: Any, *, exact: bool = False, follow: bool = False) -> dict[int, Any]:
        """Every activation; ``exact`` without any rounding."""
        graph, plan = self._graph, self._plan
        values: dict[int, Any] = {}

        def settle(tensor: int, value: Any) -> None:
            if follow and plan.group[tensor] in self._range_of:
                self._range_of[plan.group[tensor]].follow(ops.stop_gradient(value))
            values[tensor] = value if exact else quantize(value, self._grid(tensor))

        settle(graph.inputs[0], inputs)
        for index, op in enumerate(graph.operators):
            kind, (output,) = graph.kind(op), op.outputs
            shared = output if plan.rules[index].output == "same" else None
            operands = [self._operand(values, t, shared, exact) for t in op.inputs]
            if index in self._learned:
                operands[1:3] = self._weights(index, exact)
            value = COMPUTE[kind](graph, op, operands)
            if plan.rules[index].moves or kind in KEEPS_CODES:
                values[output] = value  # on the grid already
            else:
                settle(output, value)
        return values

    def _operand(self, values: dict[int, Any], tensor: int, shared: int | None, exact: bool) -> Any:
        if tensor not in self._activations:
            return self._constant(tensor, shared, exact)
        value = values[tensor]
        if shared is None or exact or self._plan.group[tensor] == self._plan.group[shared]:
            return value
        return quantize(value, self._grid(shared))  # rescaled on its way in

    def _constant(self, tensor: int, shared: int | None, exact: bool) -> Any:
        """A constant operand as the int8 model holds it: on its own grid, or on what it shares."""
        values = self._graph.constant(tensor)
        if values is None or not self._graph.is_float(tensor) or exact:
            return values
        if shared is not None:
            return quantize(ops.convert_to_tensor(values), self._grid(shared))
        p = parameters(float(values.min(initial=0)), float(values.max(initial=0)))
        return ((p.codes(values) - p.zero_point) * np.float32(p.scale)).astype(np.float32)

    def _weights(self, index: int, exact: bool) -> list[Any]:
        kernel, bias = self._learned[index]
        if exact:
            return [kernel, bias]
        rule = self._plan.rules[index].weights
        assert rule is not None
        scale = self._weight_scale(index)
        rounded = quantize_weights(kernel, scale, self._bits)
        if bias is None:
            return [rounded, None]
        data = self._grid(self._graph.operators[index].inputs[rule.data])
        return [rounded, quantize_bias(bias, ops.reshape(scale, (-1,)) * data.scale)]

    def _weight_scale(self, index: int) -> Any:
        kernel, bias = self._learned[index]
        rule = self._plan.rules[index].weights
        assert rule is not None
        data = self._grid(self._graph.operators[index].inputs[rule.data])
        least = 0.0
        if bias is not None:
            least = ops.stop_gradient(ops.abs(bias) / (data.scale * BIAS_LIMIT))
        return weight_scale(kernel, rule.axis if rule.per_axis else None, self._bits, least)

    def export_tflite(self, *, io: Literal["float32", "int8"] = "float32") -> bytes:
        """The int8 model with exactly the ranges and codes that this network computes with.

        Args:
            io: the type of the model's input and output.

        Raises:
            TrainError: it is not calibrated, or training diverged.
        """
        if not self._calibrated:
            raise TrainError("the ranges are not calibrated; call calibrate(batches) first")
        if not all(np.isfinite(np.asarray(v)).all() for v in self.variables):
            raise TrainError(
                "training diverged: a weight or range is not finite; train at a lower rate"
            )
        chosen: dict[int, Parameters] = {}
        for tensor in self._plan.group:
            scale, zero = self._grid(tensor)
            chosen[tensor] = Parameters(float(scale), int(zero))
        weighted = {index: self._weighted(index) for index in self._learned}
        return rewrite(self._data, self._plan, chosen, weighted, ends=io).data

    def _weighted(self, index: int) -> Weighted:
        kernel, bias = self._learned[index]
        rule = self._plan.rules[index].weights
        assert rule is not None
        scale = self._weight_scale(index)
        codes = np.asarray(weight_codes(kernel, scale, self._bits)).astype(np.int8)
        scales = np.asarray(scale, np.float32).reshape(-1)
        return Weighted(
            codes,
            np.ascontiguousarray(np.broadcast_to(scales, codes.shape[rule.axis])),
            None if bias is None else np.asarray(bias, np.float64),
        )


def _whole_plan(graph: Graph) -> Plan:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelError(
            f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "quantization-aware training takes one of each"
        )
    plan = make_plan(graph, bits=8)
    strange = [
        f"{graph.label(index)} ({plan.floats.get(index, 'not supported here')})"
        for index, op in enumerate(graph.operators)
        if index not in plan.rules or graph.kind(op) not in COMPUTE or len(op.outputs) != 1
    ]
    if strange:
        raise ModelError(
            f"quantization-aware training cannot compute {'; '.join(strange[:4])}; "
            "build the net from other layers or shrink it after training"
        )
    return plan
