"""Which operations become integers, and which tensors share parameters."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from homebody.errors import UsageError
from homebody.runtime.editing import Graph
from homebody.shrink._observe import Statistics
from homebody.shrink._rules import RULES, SHAPE_ONLY, Fixed, Rule, reason_for_float
from homebody.shrink.report import ASKED_FOR

NARROW = 4.0
"""A tensor this many times narrower than what it would share a range with loses two bits."""
NO_FUSED_ACTIVATION = frozenset({"CONCATENATION", "L2_NORMALIZATION"})


class Plan(NamedTuple):
    """What becomes of each operation and activation.

    Attributes:
        rules: the rule of each operation that becomes integer, by index.
        floats: why each float operation that stays float does so, by index.
        group: each activation's group, named by one of its members; a group shares parameters.
        fixed: the parameters of the groups that the specification fixes.
    """

    rules: dict[int, Rule]
    floats: dict[int, str]
    group: dict[int, int]
    fixed: dict[int, Fixed]


def make_plan(
    graph: Graph,
    *,
    bits: int,
    keep: Collection[int] = (),
    statistics: Mapping[int, Statistics] | None = None,
) -> Plan:
    """Decide for each operation.

    Args:
        graph: the float model.
        bits: 8 or 16 for activations.
        keep: operations that the caller wants to stay float, by index.
        statistics: what the activations did; it tells which should not share parameters.
    """
    activations = set(graph.activations())
    rules: dict[int, Rule] = {}
    floats: dict[int, str] = {}
    for index, op in enumerate(graph.operators):
        touched = [t for t in (*op.inputs, *op.outputs) if t in activations]
        kind = graph.kind(op)
        if not touched or kind in SHAPE_ONLY:
            continue
        reason = ASKED_FOR if index in keep else _obstacle(graph, index, bits, activations)
        if reason:
            floats[index] = reason
        else:
            rules[index] = RULES[kind]
    reach = {t: s.reach_of_all() for t, s in (statistics or {}).items()}
    group, fixed = _groups(graph, rules, activations, reach)
    return Plan(rules, floats, group, fixed)


def _obstacle(graph: Graph, index: int, bits: int, activations: set[int]) -> str:
    """Why an operation cannot become integer; empty if it can."""
    op = graph.operators[index]
    kind = graph.kind(op)
    rule = RULES.get(kind)
    if rule is None:
        return reason_for_float(kind)
    if bits == 16 and rule.int16 is None:
        return "the runtime has no int16 kernel for it"
    used = [t for t in op.inputs if t >= 0]
    if any(graph.tensors[t].isVariable for t in used):
        return "it keeps a state between runs"
    if any(graph.tensors[t].sparsity is not None for t in used):
        return "its weights are sparse"
    if kind in NO_FUSED_ACTIVATION and getattr(op.builtinOptions, "fusedActivationFunction", False):
        return "its int8 kernel has no fused activation"
    if rule.weights is not None:
        place = rule.weights
        if len(op.inputs) <= max(place.input, place.data):
            return "it lacks operands"
        weights = graph.constant(op.inputs[place.input])
        if weights is None or not graph.is_float(op.inputs[place.input]):
            return "its weights are computed, not constant"
        if op.inputs[place.data] not in activations:
            return "its input is constant"
        bias = op.inputs[place.bias] if len(op.inputs) > place.bias else -1
        if bias >= 0 and graph.constant(bias) is None:
            return "its bias is computed, not constant"
    return ""


def _groups(
    graph: Graph, rules: dict[int, Rule], activations: set[int], reach: Mapping[int, float]
) -> tuple[dict[int, int], dict[int, Fixed]]:
    parent = {t: t for t in activations}
    fixed: dict[int, Fixed] = {}
    readers = Counter(t for op in graph.operators for t in op.inputs)

    def find(tensor: int) -> int:
        while parent[tensor] != tensor:
            parent[tensor] = parent[parent[tensor]]
            tensor = parent[tensor]
        return tensor

    for index, rule in sorted(rules.items()):
        op = graph.operators[index]
        inputs = [t for t in op.inputs if t in activations]
        outputs = [t for t in op.outputs if t in activations]
        if rule.fixed is not None:
            fixed.update({find(t): rule.fixed for t in outputs})
        elif rule.output == "same" and outputs:
            # A narrow tensor that others read too keeps its own range and is rescaled here.
            widest = max((reach.get(t, 0.0) for t in (*inputs, *outputs)), default=0.0)
            inputs = [t for t in inputs
                      if readers[t] == 1 or reach.get(t, widest) * NARROW >= widest]  # fmt: skip
            roots = {find(t) for t in inputs}
            # What a fixed range feeds beside others is rescaled on its way in, else all would be.
            free = {r for r in roots if r not in fixed} if len(roots) > 1 else roots
            target = find(outputs[0])
            for root in (*free, *(find(t) for t in outputs)):
                if root in fixed:
                    fixed[target] = fixed.pop(root)
                parent[root] = target
    return {t: find(t) for t in activations}, fixed


def named_operations(graph: Graph, names: Sequence[str]) -> set[int]:
    """The operations that names speak of.

    Args:
        graph: the float model.
        names: each an operation's number (``"#3"`` or ``"3"``), its kind (``"SOFTMAX"``), or the
            name of a tensor that it writes; ``*`` and ``?`` match as in file names.

    Raises:
        UsageError: a name speaks of no operation.
    """
    found: set[int] = set()
    for name in names:
        hits = {
            index
            for index, op in enumerate(graph.operators)
            if name in (str(index), f"#{index}")
            or fnmatch.fnmatchcase(graph.kind(op), name)
            or any(fnmatch.fnmatchcase(graph.name(t), name) for t in op.outputs)
            or any(graph.name(t) == name for t in op.outputs)
        }
        if not hits:
            raise UsageError(
                f"no operation is called {name!r}; give a number, a kind or an output's name "
                "as `homebody inspect` prints them"
            )
        found |= hits
    return found
