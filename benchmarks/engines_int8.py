"""Int8 across formats: TFLite on ONNX Runtime and OpenVINO, QDQ ONNX on LiteRT; how quick and near.

    python benchmarks/photos/fetch.py build/photos
    python benchmarks/peers/shrink_models.py build/models
    python benchmarks/engines_int8.py build/models build/photos [--rounds 30] [--photos 100]

From one float network come two int8 files: TFLite by ``homebody shrink``, and QDQ ONNX by ONNX
Runtime's own quantizer, both with the same calibration photos (split ``dev``). ``homebody`` runs
each on every engine, as int8 and as int8-exact. Beside them stands what each engine's users run:
the QDQ file on ONNX Runtime and on OpenVINO, the TFLite file on LiteRT. A pair of one engine is
timed in turns in one process at one thread; the ratio is ours over the engine's own file. Nearness
is to the file's own runtime, on photos of other sources (split ``test``): SQNR of the logits, and
how many photos keep their top class, with Wilson's interval of 95 %.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from homebody.engines.compiling import ENGINES, read_model
from homebody.engines.engine import Options, Precision
from homebody.engines.program import Program, Step
from homebody.engines.tflite import import_tflite
from homebody.sqnr import decibels

sys.path.insert(0, str(Path(__file__).parent))
from in_turn import report
from shrink import NETWORKS, photos, tensors

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
OURS: tuple[tuple[str, Precision], ...] = (
    ("litert", "int8"), ("onnxruntime", "int8"), ("openvino", "int8"), ("openvino", "int8-exact"),
)  # fmt: skip
CALIBRATION = 50


# ---- the two int8 files


def shrunk(source: Path, target: Path, samples: NDArray[np.float32]) -> None:
    """TFLite by shrink."""
    from homebody.runtime import Model
    from homebody.shrink import shrink

    data = source.read_bytes()
    name = Model(data).inputs[0].name
    target.write_bytes(shrink(data, {name: samples}).model)


def quantized(source: Path, target: Path, samples: NDArray[np.float32]) -> None:
    """QDQ by ONNX Runtime's quantizer: unsigned activations, weights by channel."""
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self, name: str) -> None:
            self.rows = iter([{name: row[None]} for row in samples])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.rows, None)

    with tempfile.TemporaryDirectory() as folder:
        floats, ready = Path(folder) / "floats.onnx", Path(folder) / "ready.onnx"
        floats.write_bytes(import_tflite(source.read_bytes()).SerializeToString())
        quantization.shape_inference.quant_pre_process(
            str(floats), str(ready), skip_symbolic_shape=True
        )
        name = onnx.load(floats).graph.input[0].name
        quantization.quantize_static(
            str(ready), str(target), Reader(name), per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip


# ---- runtimes, each at one thread and batch 1


def litert(path: Path) -> Run:
    """The TFLite file as its users run it."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    before, after = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(before["index"], x)
        interpreter.invoke()
        made: NDArray[np.float32] = interpreter.get_tensor(after["index"])
        return made

    return run


def onnxruntime(path: Path) -> Run:
    """The QDQ file as its users run it."""
    import onnxruntime as runtime

    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0].name
    return lambda x: session.run(None, {feed: x})[0]


def openvino(path: Path) -> Run:
    """The same file in OpenVINO, floats kept to fp32."""
    import openvino as runtime

    core = runtime.Core()
    model = core.read_model(path)
    model.reshape({model.inputs[0].any_name: [1, *list(model.inputs[0].partial_shape)[1:]]})
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(model, "CPU", {**settings, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return lambda x: request.infer([x], share_inputs=True)[0]


def ours(path: Path, engine: str, precision: Precision) -> Run:
    """What ``homebody compile --engines ENGINE`` runs."""
    graph = read_model(path)
    graph = graph.at({t.name: (1, *t.shape[1:]) for t in graph.inputs})
    segment = graph.whole()
    executable = ENGINES[engine]().build(segment, Options(1, precision))
    program = Program(graph, [Step(segment, engine, executable)])
    (feed,), (result,) = graph.inputs, graph.outputs
    return lambda x: program({feed.name: x})[result.name]


NATIVE = {"litert": litert, "onnxruntime": onnxruntime, "openvino": openvino}


# ---- figures


def ratio(mine: Run, theirs: Run, x: NDArray[np.float32], rounds: int) -> tuple[float, float]:
    """Our time over theirs, the median over rounds in turns; and our milliseconds."""
    ratios, times = [], []
    for turn in range(rounds):
        taken = {}
        for run in (mine, theirs) if turn % 2 else (theirs, mine):
            run(x)  # caches are the other's
            start = time.perf_counter()
            for _ in range(5):
                run(x)
            taken[run] = (time.perf_counter() - start) / 5
        ratios.append(taken[mine] / taken[theirs])
        times.append(taken[mine])
    return statistics.median(ratios), 1e3 * statistics.median(times)


def answers(run: Run, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits by photo."""
    return np.concatenate([np.array(run(x[None]), np.float64).reshape(1, -1) for x in inputs])


def wilson(hits: int, count: int) -> str:
    """An interval of 95 %, in per cent."""
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return f"{100 * max(0, middle - half):.0f}-{100 * min(1, middle + half):.0f}"


def near(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[str, str]:
    """SQNR in dB, and how many keep their top class."""
    if np.array_equal(found, wanted):
        level = "equal"
    else:
        level = f"{decibels(float((wanted**2).sum()), float(((found - wanted) ** 2).sum())):.0f}"
    hits, count = int((found.argmax(1) == wanted.argmax(1)).sum()), len(wanted)
    return level, f"{hits} of {count} ({wilson(hits, count)} %)"


def rows(
    network: str, files: dict[str, Path], inputs: NDArray[np.float32], rounds: int
) -> Sequence[list[str]]:
    """The table's rows of one network."""
    of = {"litert": "tflite", "onnxruntime": "qdq", "openvino": "qdq"}
    made = []
    for kind, source in (("tflite", "litert"), ("qdq", "onnxruntime")):
        wanted = answers(NATIVE[source](files[kind]), inputs)
        if kind == "qdq":
            found = near(answers(openvino(files[kind]), inputs), wanted)
            made.append([network, kind, "OpenVINO itself", "", "1", *found])
        for engine, precision in OURS:
            mine, theirs = ours(files[kind], engine, precision), NATIVE[engine](files[of[engine]])
            times, milliseconds = ratio(mine, theirs, inputs[:1], rounds)
            found = near(answers(mine, inputs), wanted)
            name = f"{engine}, {precision.removeprefix('int8-')}" if "-" in precision else engine
            made.append([network, kind, name, f"{milliseconds:.2f}", f"{times:.2f}", *found])
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("photo_folder", type=Path, metavar="photos")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: list[list[str]] = []
    for network in options.networks.split(","):
        floats = options.models / f"{network}.tflite"
        files = {
            "tflite": options.models / f"{network}-int8.tflite",
            "qdq": options.models / f"{network}-qdq.onnx",
        }
        if not all(path.exists() for path in files.values()):
            chosen = photos(options.photo_folder, "dev")
            chosen = chosen[:: max(1, len(chosen) // CALIBRATION)][:CALIBRATION]
            samples = tensors(options.photo_folder, chosen, NETWORKS[network])
            shrunk(floats, files["tflite"], samples)
            quantized(floats, files["qdq"], samples)
        chosen = photos(options.photo_folder, "test")
        chosen = chosen[:: max(1, len(chosen) // options.photos)][: options.photos]
        inputs = tensors(options.photo_folder, chosen, NETWORKS[network])
        found += rows(network, files, inputs, options.rounds)
    columns = ["network", "file", "run by homebody on", "ms", "time / the engine's own int8",
               "dB from the file's own runtime", "top class kept"]  # fmt: skip
    report("Int8", columns, found, {"threads": 1}, as_json=options.json)


if __name__ == "__main__":
    main()
