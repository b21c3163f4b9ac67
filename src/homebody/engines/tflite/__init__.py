"""ONNX from TFLite and TFLite from ONNX; what is int8 in one is int8 in the other.

``importing`` and ``exporting`` hold what is common to all operations, ``forms`` each operation.
"""

from homebody.engines.tflite import forms
from homebody.engines.tflite.exporting import export_tflite, refusals
from homebody.engines.tflite.importing import import_tflite

__all__ = ["export_tflite", "forms", "import_tflite", "refusals"]
