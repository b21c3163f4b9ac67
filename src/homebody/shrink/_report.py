"""Measure a shrunk model and fill in its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homebody.runtime.editing import Graph
from homebody.shrink._draft import Draft
from homebody.shrink._jump import first_jump
from homebody.shrink._measure import Noise, dequantizer, tensor_noise
from homebody.shrink._weight_only import WeightOnly
from homebody.shrink.report import OperationReport, Report, Sensitivity, Settings
from homebody.shrink.samples import Arrays


def integer(
    size_before: int,
    draft: Draft,
    settings: Settings,
    count: int,
    samples: Sequence[Arrays],
    ranking: tuple[Sensitivity, ...],
    *,
    threads: int,
) -> tuple[bytes, Report]:
    """Write a draft's integer model, run it beside the float one, and report."""
    written = draft.rewrite()
    noise = tensor_noise(
        draft.original, written.data, written.places, samples,
        factors=draft.factors, threads=threads,
    )  # fmt: skip
    name = "int16x8" if draft.bits == 16 else "int8"
    report = _Subject(draft.original, written.data, written.places).report(
        size_before, settings, noise, dict.fromkeys(draft.plan.rules, name), draft.plan.floats,
        calibration_samples=count, measured_samples=len(samples), sensitivity=ranking,
        equalized=sum(len(f) for f in draft.factors.values()),
    )  # fmt: skip
    return written.data, report


def weight_only(
    size_before: int,
    original: bytes,
    shrunk: WeightOnly,
    settings: Settings,
    samples: Sequence[Arrays],
    *,
    threads: int,
) -> Report:
    """Report on a model whose constants alone were shrunk."""
    before, after = Graph(original), Graph(shrunk.data)
    by_name = {after.name(t): t for t in after.activations()}
    places = {t: by_name[before.name(t)] for t in before.activations()
              if before.name(t) in by_name}  # fmt: skip
    noise = tensor_noise(original, shrunk.data, places, samples, threads=threads) if samples else {}
    return _Subject(original, shrunk.data, places).report(
        size_before, settings, noise, shrunk.formats, shrunk.reasons,
        calibration_samples=0, measured_samples=len(samples), sensitivity=(), equalized=0,
    )  # fmt: skip


class _Subject:
    """A float model, the one made of it, and which tensor stands for which."""

    def __init__(self, before: bytes, after: bytes, places: Mapping[int, int]) -> None:
        self.before, self.after, self.places = Graph(before), Graph(after), places
        self.size_after = len(after)
        self.writers = {t: op for op in self.after.operators for t in op.outputs}

    def report(
        self,
        size_before: int,
        settings: Settings,
        noise: Mapping[int, Noise],
        formats: Mapping[int, str],
        reasons: Mapping[int, str],
        *,
        calibration_samples: int,
        measured_samples: int,
        sensitivity: tuple[Sensitivity, ...],
        equalized: int,
    ) -> Report:
        db = {t: n.db for t, n in noise.items()}
        return Report(
            settings=settings.applied(),
            size_before=size_before,
            size_after=self.size_after,
            calibration_samples=calibration_samples,
            measured_samples=measured_samples,
            operations=tuple(
                self.operation(i, formats.get(i, "float32"), reasons.get(i), db)
                for i in range(len(self.before.operators))
            ),
            output_sqnr_db={
                self.before.name(t): v for t in self.before.outputs if (v := db.get(t)) is not None
            },
            error_jumps_at=first_jump(self.before, db),
            equalized=equalized,
            sensitivity=sensitivity,
            notes=self.notes(),
        )

    def operation(
        self, index: int, form: str, reason: str | None, db: Mapping[int, float | None]
    ) -> OperationReport:
        op = self.before.operators[index]
        output = op.outputs[0] if op.outputs else -1
        place = self.places.get(output, -1)
        found = dequantizer(self.after, place) if place >= 0 else None
        writer = self.writers.get(place)
        touches = any(self.before.is_float(t) for t in (*op.inputs, *op.outputs))
        return OperationReport(
            index=index,
            kind=self.before.kind(op),
            name=self.before.name(output) if output >= 0 else "",
            format=form if touches else "none",
            reason=reason,
            scale=found[0] if found else None,
            zero_point=found[1] if found else None,
            weight_bytes=self.constant_bytes(writer) if writer is not None else 0,
            sqnr_db=db.get(output),
        )

    def constant_bytes(self, op: Any) -> int:
        """An operation's constants in the new file; float16 ones stand behind a DEQUANTIZE."""
        makers = (self.writers.get(t) for t in op.inputs)
        widened = [m.inputs[0] for m in makers if m and self.after.kind(m) == "DEQUANTIZE"]
        return self.after.constant_bytes([*op.inputs, *widened])

    def notes(self) -> tuple[str, ...]:
        if self.before.subgraphs > 1:
            return (
                f"{self.before.subgraphs - 1} other subgraphs (branches, loops, further "
                "signatures) are carried over as they were",
            )
        return ()
