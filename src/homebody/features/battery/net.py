"""A small dense net, trained with numpy alone.

The battery's net has some 2,500 weights. Training it takes seconds without any framework, so the
``[battery]`` extra needs none; what leaves here is a ``.tflite`` model like any other
(:mod:`homebody.features.battery.tflite`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import TrainConfigError

Array = NDArray[np.float64]
Activation = Literal["silu", "relu"]
Layers = tuple[tuple[Array, Array], ...]

HIDDEN = (4, 16, 64, 16, 4)
"""The article's hidden layers."""
PARAMETERS = 1_000_000
"""Most weights that a net may have here; a larger one wants a framework."""


@dataclass(frozen=True)
class Net:
    """A trained net: dense layers, an activation between them.

    Args:
        layers: weights [in, out] and biases [out] of each layer, the world's units going in and
            coming out.
        activation: after every layer but the last.
    """

    layers: Layers
    activation: Activation = "silu"

    def features(self, inputs: ArrayLike) -> Array:
        """The last hidden layer's values, float64 [n, f] for inputs [n, k], or [f] for [k]."""
        activate = _activate(self.activation)
        hidden = np.asarray(inputs, np.float64)
        for weights, biases in self.layers[:-1]:
            hidden = activate(hidden @ weights + biases)[0]
        return hidden

    def __call__(self, inputs: ArrayLike) -> Array:
        """The prediction, float64 [n] for inputs [n, k], or a number for [k]."""
        weights, biases = self.layers[-1]
        answer: Array = (self.features(inputs) @ weights + biases)[..., 0]
        return answer

    @property
    def last_layer(self) -> Array:
        """The last layer as a filter's state has it: float64 [1, f + 1], the bias last."""
        weights, biases = self.layers[-1]
        return np.concatenate([weights, biases[None]]).T

    def rank(self, inputs: ArrayLike, tolerance: float = 1e-3) -> int:
        """How many of the f + 1 directions of the last layer these inputs tell apart.

        A last layer can only learn along directions in which its features (and the constant 1)
        vary; those whose singular value is under ``tolerance`` of the largest are not counted.
        """
        hidden = self.features(inputs)
        values = np.linalg.svd(
            np.concatenate([hidden, np.ones((len(hidden), 1))], axis=1), compute_uv=False
        )
        return int((values > tolerance * values[0]).sum())


class Fitted(NamedTuple):
    """What :func:`fit` found.

    Attributes:
        net: as of the epoch with the smallest validation error.
        training: each epoch's mean squared error, in the output's units squared.
        validation: the same on the inputs held out.
        best: the epoch whose net it is, from 1.
    """

    net: Net
    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int


def fit(
    inputs: ArrayLike,
    outputs: ArrayLike,
    *,
    hidden: Sequence[int] = HIDDEN,
    activation: Activation = "silu",
    epochs: int = 200,
    patience: int = 30,
    batch: int | None = None,
    rate: float = 5e-3,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Fitted:
    """Train a net with Adam, holding every tenth sample out to stop in time.

    Inputs and output are scaled to [0, 1] for training, and the scales become part of the first
    and the last layer, so that the net takes and gives the world's units.

    Sources: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS (2010), for the initial weights; Kingma and Ba, "Adam: a method for
    stochastic optimization", arXiv:1412.6980; Elfwing, Uchibe and Doya, "Sigmoid-weighted linear
    units", arXiv:1702.03118, for SiLU. The learning rate follows half a cosine.

    Args:
        inputs: finite [n, k], n at least 20.
        outputs: finite [n].
        hidden: the hidden layers' widths.
        activation: "silu", or "relu", whose units may all die in a layer of four.
        epochs: at most so many passes over the samples.
        patience: stop after so many epochs without a better validation error.
        batch: samples in a step; default: 32, and fewer (4 at least) where there are under 2,048.
        rate: Adam's learning rate at the start.
        seed: of the initial weights and the order; equal seeds give equal nets.
        progress: called with each finished epoch's number, from 1.

    Raises:
        TrainConfigError: a setting or an array is out of range.

    Example:
        >>> x = np.linspace(-1, 1, 200)[:, None]
        >>> found = fit(x, 3 * x[:, 0] ** 2, hidden=(8, 4), epochs=60)
        >>> bool(np.abs(found.net(x) - 3 * x[:, 0] ** 2).max() < 0.2)
        True
    """
    x, y = np.asarray(inputs, np.float64), np.asarray(outputs, np.float64)
    if x.ndim != 2 or y.shape != (len(x),) or len(x) < 20 or x.shape[1] == 0:
        raise TrainConfigError(
            f"there are inputs {list(x.shape)} and outputs {list(y.shape)}; give [n, k] and [n], "
            "n at least 20"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise TrainConfigError("inputs or outputs hold NaN or infinity; leave those rows out")
    if batch is None:
        batch = min(32, max(4, len(x) // 64))
    _check(hidden, activation, epochs, patience, batch, rate)
    low, width = x.min(0), _width(x)
    bottom, height = float(y.min()), float(_width(y[:, None])[0])
    scaled, wanted = (x - low) / width, (y - bottom) / height
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    held, used = order[::10], np.setdiff1d(order, order[::10])
    sizes = (x.shape[1], *hidden, 1)
    parameters = _initial(sizes, rng)
    best, best_error, best_epoch = parameters.copy(), math.inf, 0
    training, validation = [], []
    adam = _Adam(len(parameters))
    steps = -(-len(used) // batch)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for step, chosen in enumerate(np.array_split(rng.permutation(used), steps)):
            done = (epoch - 1 + step / steps) / epochs
            loss, gradient = loss_gradient(
                parameters, sizes, scaled[chosen], wanted[chosen], activation
            )
            adam.step(parameters, gradient, 0.5 * rate * (1 + math.cos(math.pi * done)))
            total += loss * len(chosen)
        error = float(np.mean((_predict(parameters, sizes, scaled[held], activation)
                               - wanted[held]) ** 2))  # fmt: skip
        training.append(total / len(used) * height**2)
        validation.append(error * height**2)
        if error < best_error:
            best, best_error, best_epoch = parameters.copy(), error, epoch
        if progress:
            progress(epoch)
        if epoch - best_epoch >= patience:
            break
    net = _in_units(best, sizes, activation, low, width, bottom, height)
    return Fitted(net, tuple(training), tuple(validation), best_epoch)


def loss_gradient(
    parameters: Array, sizes: Sequence[int], x: Array, y: Array, activation: Activation
) -> tuple[float, Array]:
    """The mean squared error, and its gradient by all parameters.

    Args:
        parameters: float64 [p], each layer's weights [in, out] and then its biases [out].
        sizes: the layers' widths, input and output included.
        x: inputs [n, sizes[0]].
        y: outputs [n].
        activation: after every layer but the last.

    Returns:
        The loss, and float64 [p].
    """
    activate = _activate(activation)
    layers = _layers(parameters, sizes)
    gradient = np.empty_like(parameters)
    slots = _layers(gradient, sizes)
    seen, slopes = [x], []
    for weights, biases in layers[:-1]:
        value, slope = activate(seen[-1] @ weights + biases)
        seen.append(value)
        slopes.append(slope)
    weights, biases = layers[-1]
    error = (seen[-1] @ weights + biases)[:, 0] - y
    back = (2.0 / len(x) * error)[:, None]
    for index in range(len(layers) - 1, -1, -1):
        into_weights, into_biases = slots[index]
        np.matmul(seen[index].T, back, out=into_weights)
        np.sum(back, axis=0, out=into_biases)
        if index:
            back = (back @ layers[index][0].T) * slopes[index - 1]
    return float(error @ error) / len(x), gradient


class _Adam:
    """Adam's moments over one vector of parameters, with its paper's constants."""

    def __init__(self, count: int) -> None:
        self.mean, self.square, self.time = np.zeros(count), np.zeros(count), 0

    def step(self, parameters: Array, gradient: Array, rate: float) -> None:
        self.time += 1
        self.mean += 0.1 * (gradient - self.mean)
        self.square += 0.001 * (gradient * gradient - self.square)
        root = np.sqrt(self.square / (1 - 0.999**self.time))
        parameters -= rate / (1 - 0.9**self.time) * self.mean / (root + 1e-8)


def _check(
    hidden: Sequence[int], activation: str, epochs: int, patience: int, batch: int, rate: float
) -> None:
    if activation not in get_args(Activation):
        raise TrainConfigError(f"there is no activation {activation!r}; choose silu or relu")
    if not hidden or any(not 1 <= width <= 4096 for width in hidden):
        raise TrainConfigError(
            f"hidden layers are {list(hidden)}; give one or more widths from 1 to 4096"
        )
    if sum(a * b + b for a, b in pairwise(hidden)) > PARAMETERS:
        raise TrainConfigError(f"the net has over {PARAMETERS:,} weights; make it narrower")
    for name, value in (("epochs", epochs), ("patience", patience), ("batch", batch)):
        if not 1 <= value <= 100_000:
            raise TrainConfigError(f"{name} is {value}; give a number from 1 to 100,000")
    if not 0 < rate <= 1:
        raise TrainConfigError(f"the learning rate is {rate}; give a number above 0, up to 1")


def _activate(activation: Activation) -> Callable[[Array], tuple[Array, Array]]:
    return _silu if activation == "silu" else _relu


def _silu(z: Array) -> tuple[Array, Array]:
    """Values, and slopes."""
    gate = 1.0 / (1.0 + np.exp(-np.clip(z, -700, 700)))
    value = z * gate
    return value, gate + value * (1.0 - gate)


def _relu(z: Array) -> tuple[Array, Array]:
    return np.maximum(z, 0.0), (z > 0).astype(np.float64)


def _layers(parameters: Array, sizes: Sequence[int]) -> Layers:
    """Views of each layer's weights and biases."""
    place, found = 0, []
    for into, out in pairwise(sizes):
        weights = parameters[place : place + into * out].reshape(into, out)
        place += into * out
        found.append((weights, parameters[place : place + out]))
        place += out
    return tuple(found)


def _initial(sizes: Sequence[int], rng: np.random.Generator) -> Array:
    parameters = np.zeros(sum(into * out + out for into, out in pairwise(sizes)))
    for weights, _ in _layers(parameters, sizes):
        bound = math.sqrt(6.0 / sum(weights.shape))
        weights[:] = rng.uniform(-bound, bound, weights.shape)
    return parameters


def _predict(parameters: Array, sizes: Sequence[int], x: Array, activation: Activation) -> Array:
    return Net(_layers(parameters, sizes), activation)(x)


def _in_units(
    parameters: Array, sizes: Sequence[int], activation: Activation,
    low: Array, width: Array, bottom: float, height: float,
) -> Net:  # fmt: skip
    """The net with the scales of its inputs and output in its first and last layer."""
    layers = [(weights.copy(), biases.copy()) for weights, biases in _layers(parameters, sizes)]
    weights, biases = layers[0]
    layers[0] = (weights / width[:, None], biases - (low / width) @ weights)
    weights, biases = layers[-1]
    layers[-1] = (weights * height, biases * height + bottom)
    return Net(tuple(layers), activation)


def _width(values: Array) -> Array:
    spread: Array = np.ptp(values, axis=0)
    return np.where(spread > 0, spread, 1.0)
