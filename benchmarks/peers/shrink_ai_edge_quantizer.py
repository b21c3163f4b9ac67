"""The peer of ``homebody shrink``: ai-edge-quantizer's static int8 recipe.

python benchmarks/peers/shrink_ai_edge_quantizer.py MODEL.tflite SAMPLES_FOLDER OUT.tflite
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ai_edge_quantizer import quantizer, recipe


def main(model_path: str, samples_path: str, out: str) -> None:
    made = quantizer.Quantizer(float_model=model_path)
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    (signature,) = _signatures(model_path)
    # A list, for a generator would be calibrated on none of its items without a word.
    paths = sorted(Path(samples_path).glob("*.npy"))
    samples = [{signature[1]: np.load(path)[None]} for path in paths]
    calibrated = made.calibrate({signature[0]: samples})
    made.quantize(calibrated).export_model(out, overwrite=True)


def _signatures(model_path: str) -> list[tuple[str, str]]:
    from ai_edge_litert.interpreter import Interpreter

    found = Interpreter(model_path=model_path).get_signature_list()
    return [(key, names["inputs"][0]) for key, names in found.items()]


if __name__ == "__main__":
    main(*sys.argv[1:])
