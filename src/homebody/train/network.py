"""SqueezeNet with another last layer, for labels of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import MissingExtraError
from homebody.train._greeting import import_tensorflow
from homebody.train.squeezenet import Weights, layer_shapes, squeezenet

if TYPE_CHECKING:
    import keras

FEATURES = 512
"""Features that the last layer sees: the last fire module's channels, averaged over the picture."""


class Classifier(NamedTuple):
    """Two Keras models that share their layers.

    ``whole`` maps pictures [n, 227, 227, 3] to logits [n, labels]; ``base`` to features [n, 512].
    """

    whole: keras.Model
    base: keras.Model

    def set_head(self, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        """Set the last layer: float32 [512, labels] and [labels]."""
        self.whole.get_layer("logits").set_weights([kernel, bias])

    def train_only(self, modules: int) -> None:
        """Let the last layer and the last ``modules`` fire modules learn; freeze the others."""
        fires = sorted({name.split("/")[0] for name in layer_shapes() if "fire" in name})
        learning = ("logits", *fires[len(fires) - modules :])
        for layer in self.whole.layers:
            layer.trainable = layer.name.split("_")[0] in learning


def classifier(weights: Weights, labels: int) -> Classifier:
    """SqueezeNet 1.1 up to its last fire module, average pooling, and one dense layer.

    The published network classifies every position and averages the results (``conv10``);
    averaging first and classifying once is the same linear map at 1/196 of the work.

    Args:
        weights: SqueezeNet's, as :func:`~homebody.train.load_weights` gives them.
        labels: how many outputs the new last layer has.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    try:
        import_tensorflow()
        import keras
    except ImportError as error:
        raise MissingExtraError("train", "training") from error
    published: Any = squeezenet(weights)
    image = published.input
    pooled = keras.layers.GlobalAveragePooling2D(name="features")
    features = pooled(published.get_layer("fire9_concat").output)
    logits = keras.layers.Dense(labels, name="logits", kernel_initializer="zeros")(features)
    return Classifier(
        keras.Model(image, logits, name="classifier"),
        keras.Model(image, features, name="squeezenet_1_1_features"),
    )
