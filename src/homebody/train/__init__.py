"""Train features: photos in, checked bundles out; Keras in, ``.tflite`` out (extra ``[train]``).

Importing this package imports no TensorFlow; the functions that need it do.
"""

from __future__ import annotations

from homebody.train.classify import Trained, train_classifier
from homebody.train.config import TrainConfig, read_config
from homebody.train.confusion import confusion_png, confusion_text
from homebody.train.dataset import Dataset, Example, Skipped, read_dataset, read_table
from homebody.train.evaluation import Evaluation, evaluate
from homebody.train.intervals import Share, bootstrap, difference, wilson
from homebody.train.metrics import Metrics
from homebody.train.published import squeezenet_weights
from homebody.train.split import Split, split_dataset
from homebody.train.squeezenet import INPUT_SIZE, MEAN_BGR, read_weights, squeezenet
from homebody.train.tflite import to_tflite
from homebody.train.weights import load_weights

__all__ = [
    "INPUT_SIZE",
    "MEAN_BGR",
    "Dataset",
    "Evaluation",
    "Example",
    "Metrics",
    "Share",
    "Skipped",
    "Split",
    "TrainConfig",
    "Trained",
    "bootstrap",
    "confusion_png",
    "confusion_text",
    "difference",
    "evaluate",
    "load_weights",
    "read_config",
    "read_dataset",
    "read_table",
    "read_weights",
    "split_dataset",
    "squeezenet",
    "squeezenet_weights",
    "to_tflite",
    "train_classifier",
    "wilson",
]
