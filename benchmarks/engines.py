"""``homebody compile`` beside a TensorFlow SavedModel, ONNX Runtime, OpenVINO and LiteRT.

    python benchmarks/peers/engine_models.py build/engines
    python benchmarks/engines.py build/engines [--batches 1,8] [--threads 2] [--rounds 7]

Each runtime computes in a process of its own and they take turns: no runtime's waiting threads run
while another is timed. The peers get what their own users would give them: the SavedModel's
signature; float ONNX for ONNX Runtime; the same for OpenVINO, which then computes in bf16 where the
processor can, and once held to fp32; the int8 TFLite file for LiteRT; native QDQ by ONNX Runtime's
own quantizer for ONNX Runtime and OpenVINO. Ours is ``homebody compile --engines auto``, once in
fp32 and once in int8 made by shrink. Figures are medians, as times the SavedModel's speed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = ("resnet50", "mobilenetv2", "squeezenet")
RUNTIMES = (
    "tensorflow",
    "onnxruntime fp32",
    "openvino fp32",
    "openvino bf16",
    "litert fp32",
    "homebody auto fp32",
    "onnxruntime int8",
    "openvino int8",
    "litert int8",
    "homebody auto int8",
)
SECONDS = 0.6


def runner(runtime: str, models: Path, network: str, batch: int, threads: int) -> Callable[[], Any]:
    """A function that computes one batch."""
    x = np.random.default_rng(2).normal(size=(batch, 224, 224, 3)).astype(np.float32)
    name, _, kind = runtime.rpartition(" ")
    if runtime == "tensorflow":
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        loaded = tf.saved_model.load(str(models / network))
        signature = loaded.signatures["serving_default"]
        (feed,) = signature.structured_input_signature[1]
        tensor = tf.constant(x)
        return lambda: (loaded, signature(**{feed: tensor}))
    if name == "litert":
        from ai_edge_litert.interpreter import Interpreter

        suffix = "-int8" if kind == "int8" else ""
        interpreter = Interpreter(str(models / f"{network}{suffix}.tflite"), num_threads=threads)
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, x.shape)
        interpreter.allocate_tensors()

        def run() -> None:
            interpreter.set_tensor(place, x)
            interpreter.invoke()
            interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

        return run
    if name == "homebody auto":
        from homebody import engines

        model = engines.load(models / f"{network}-compiled-{kind}-{batch}")
        feed = model.graph.inputs[0].name
        return lambda: model({feed: x})
    suffix = "-qdq" if kind == "int8" else ""
    path = str(models / f"{network}{suffix}.onnx")
    if name == "onnxruntime":
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        feed = session.get_inputs()[0].name
        return lambda: session.run(None, {feed: x})
    import openvino

    core = openvino.Core()
    network_ = core.read_model(path)
    network_.reshape({network_.inputs[0].any_name: list(x.shape)})
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    if kind != "bf16":
        hints["INFERENCE_PRECISION_HINT"] = "f32"
    request = core.compile_model(network_, "CPU", hints).create_infer_request()
    return lambda: request.infer([x], share_inputs=True, share_outputs=True)


def prepare(models: Path, network: str, batches: list[int], threads: int) -> None:
    """Everything that is made once: ONNX, int8 files, and compiled models."""
    from homebody import engines
    from homebody.engines.tflite import import_tflite
    from homebody.shrink import load_npz, shrink

    floats = models / f"{network}.tflite"
    onnx_path = models / f"{network}.onnx"
    samples = models / f"{network}.npz"
    if not onnx_path.exists():
        onnx_path.write_bytes(import_tflite(floats.read_bytes()).SerializeToString())
    small = models / f"{network}-int8.tflite"
    if not small.exists():
        small.write_bytes(shrink(floats.read_bytes(), load_npz(samples)).model)
    native = models / f"{network}-qdq.onnx"
    if not native.exists():
        _quantize_natively(onnx_path, native, samples)
    for batch in batches:
        for kind in ("fp32", "int8"):
            folder = models / f"{network}-compiled-{kind}-{batch}"
            if (folder / "compiled.json").exists():
                continue
            engines.compile(
                small if kind == "int8" else floats,
                folder,
                precision=kind,
                shapes=[(batch, 224, 224, 3)],
                threads=threads,
            )


def _quantize_natively(source: Path, target: Path, samples: Path) -> None:
    from onnxruntime import quantization

    arrays = dict(np.load(samples))

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            (self.name, self.rows), *_ = arrays.items()
            self.index = 0

        def get_next(self) -> dict[str, Any] | None:
            if self.index == len(self.rows):
                return None
            self.index += 1
            return {self.name: self.rows[self.index - 1 : self.index]}

    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        # Symbolic shapes take sympy, and these are fixed.
        quantization.shape_inference.quant_pre_process(
            str(source), str(ready), skip_symbolic_shape=True
        )
        quantization.quantize_static(
            str(ready), str(target), Reader(), per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip


def serve(arguments: list[str]) -> None:
    """A worker: times its runtime whenever a line comes in."""
    runtime, models, network, batch, threads = arguments
    run = runner(runtime, Path(models), network, int(batch), int(threads))
    for _ in range(3):
        run()
    print("ready", flush=True)
    for _ in sys.stdin:
        times, end = [], time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(times) < 3:
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        print(json.dumps(statistics.median(times)), flush=True)


def measure(models: Path, network: str, batch: int, threads: int, rounds: int) -> dict[str, float]:
    """Each runtime's median over the rounds, in seconds."""
    workers = {}
    for runtime in RUNTIMES:
        command = [sys.executable, __file__, "--worker", runtime, str(models), network]
        workers[runtime] = subprocess.Popen(
            [*command, str(batch), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
    times: dict[str, list[float]] = {runtime: [] for runtime in RUNTIMES}
    for worker in workers.values():
        assert worker.stdout is not None
        while worker.stdout.readline().strip() not in ("ready", ""):
            pass
    dice = np.random.default_rng(0)
    for _ in range(rounds):
        for index in dice.permutation(len(RUNTIMES)):
            worker = workers[RUNTIMES[index]]
            if worker.poll() is not None:
                continue
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
            times[RUNTIMES[index]].append(float(worker.stdout.readline()))
    for worker in workers.values():
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait(timeout=60)
    return {runtime: statistics.median(found) for runtime, found in times.items() if found}


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--worker"]:
        serve(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--prepare", action="store_true", help="only make what is timed")
    options = parser.parse_args()
    batches = [int(batch) for batch in options.batches.split(",")]
    networks = options.networks.split(",")
    found: dict[str, list[str]] = {runtime: [] for runtime in RUNTIMES}
    heads = []
    for network in networks:
        prepare(options.models, network, batches, options.threads)
        if options.prepare:
            continue
        for batch in batches:
            times = measure(options.models, network, batch, options.threads, options.rounds)
            base = times["tensorflow"]
            heads.append(f"{network}, {batch} ({1e3 * base:.1f} ms)")
            for runtime in RUNTIMES:
                ratio = f"{base / times[runtime]:.1f}" if runtime in times else "fails"
                found[runtime].append(ratio)
            for kinds in ("fp32", "int8"):
                ours = times[f"homebody auto {kinds}"]
                peers = [t for r, t in times.items() if r.endswith(kinds) and "homebody" not in r]
                print(f"# {network} {batch} {kinds}: auto / best single {ours / min(peers):.3f}")
            print(json.dumps({"network": network, "batch": batch, **times}), flush=True)
    if not options.prepare:
        print(f"| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
        for runtime, ratios in found.items():
            print(f"| {runtime} | {' | '.join(ratios)} |")
        print(f"\n{platform.processor() or platform.machine()}, {options.threads} threads")


if __name__ == "__main__":
    main()
