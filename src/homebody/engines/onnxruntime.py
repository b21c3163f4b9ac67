"""ONNX Runtime: the native engine, which everything falls back to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homebody.engines.engine import Bound, Buffer, KernelTime, Options, Reason, installed
from homebody.engines.graph import Graph, Segment
from homebody.errors import EngineBuildError, GraphError

_QUIET = 3
"""Errors alone are logged: the rest would go to standard error past our own words."""


class OnnxRuntime:
    """ONNX Runtime's processor provider."""

    name = "onnxruntime"
    varies = True

    def probe(self) -> str | Reason:
        """Its version, or why it is not here."""
        if version := installed("onnxruntime"):
            return version
        try:
            import onnxruntime  # which other packages hold too
        except ImportError:
            return Reason("unavailable", "pip install 'homebody[engines]'")
        return str(onnxruntime.__version__)

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """Everything: what it does not have fails when it is built, with its own words."""
        return (None,) * len(graph.nodes)

    def build(self, segment: Segment, options: Options) -> Session:
        """Compile a segment; the optimised graph is kept for :meth:`Session.save`."""
        with tempfile.TemporaryDirectory(prefix="homebody-") as folder:
            optimized = Path(folder) / "optimized.onnx"
            settings = _settings(options)
            settings.optimized_model_filepath = str(optimized)
            session = _session(segment.to_bytes(), settings)
            saved = optimized.read_bytes() if optimized.exists() else None
        return Session(session, segment, options, saved)

    def load(self, saved: bytes, segment: Segment, options: Options) -> Session:
        """Open what was optimised before; it is not optimised again."""
        import onnxruntime

        settings = _settings(options)
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return Session(_session(saved, settings), segment, options, saved)


class Session:
    """A segment that ONNX Runtime compiled."""

    def __init__(
        self, session: Any, segment: Segment, options: Options, saved: bytes | None
    ) -> None:
        self._session = session
        self._segment = segment
        self._options = options
        self._saved = saved

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Run over these buffers; both are kept as long as the result lives."""
        return _Binding(self._session, self._segment, inputs, outputs)

    def run(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """Run over arrays of any shape that the segment takes."""
        given = {t.name: value for t, value in zip(self._segment.inputs, inputs, strict=True)}
        try:
            made: list[Buffer] = self._session.run([t.name for t in self._segment.outputs], given)
        except Exception as error:  # its own classes share no root but Exception
            raise GraphError(
                f"ONNX Runtime does not take these inputs: {' '.join(str(error).split())[:300]}"
            ) from None
        return made

    def save(self) -> bytes | None:
        """The optimised graph."""
        return self._saved

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """Run a second session that writes ONNX Runtime's own profile."""
        with tempfile.TemporaryDirectory(prefix="homebody-") as folder:
            settings = _settings(self._options)
            settings.enable_profiling = True
            settings.profile_file_prefix = str(Path(folder) / "profile")
            session = _session(self._segment.to_bytes(), settings)
            run = _Binding(session, self._segment, inputs, outputs)
            run()
            run()
            events = json.loads(Path(session.end_profiling()).read_text())
        kernels = [e for e in events if e.get("cat") == "Node" and "dur" in e]
        half = len(kernels) // 2  # the first run warms up
        return tuple(
            KernelTime(
                str(event["name"]).removesuffix("_kernel_time"),
                str(event.get("args", {}).get("op_name", "")),
                float(event["dur"]),
            )
            for event in kernels[half:]
        )


class _Binding:
    """A session with its buffers."""

    def __init__(
        self, session: Any, segment: Segment, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> None:
        self._binding = session.io_binding()
        self._run = session.run_with_iobinding
        self._segment = segment
        self._inputs, self._outputs = list(inputs), list(outputs)  # kept: it knows only addresses
        for index, buffer in enumerate(inputs):
            self.point(index, buffer)
        for tensor, buffer in zip(segment.outputs, outputs, strict=True):
            self._binding.bind_output(
                tensor.name, "cpu", 0, tensor.dtype, buffer.shape, buffer.ctypes.data
            )

    def __call__(self) -> None:
        self._run(self._binding)

    def point(self, index: int, buffer: Buffer) -> None:
        """Read an input from another buffer."""
        tensor = self._segment.inputs[index]
        self._inputs[index] = buffer
        self._binding.bind_input(
            tensor.name, "cpu", 0, tensor.dtype, buffer.shape, buffer.ctypes.data
        )


def _settings(options: Options) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = _QUIET
    # Threads that spin while another engine computes take its processors away.
    spinning = "1" if options.alone else "0"
    settings.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    return settings


def _session(model: bytes, settings: Any) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes share no root but Exception
        raise EngineBuildError(
            f"ONNX Runtime does not build the segment: {' '.join(str(error).split())[:300]}"
        ) from None
