"""Random ONNX models of one operation, or of a few that belong together: shapes and attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.engines.graphs import model, value

KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32,
         "bool": TensorProto.BOOL}  # fmt: skip


class Case:
    """A model under construction, and random numbers to build it with."""

    def __init__(self, seed: int) -> None:
        self.dice = np.random.default_rng(seed)
        self.opset = 20
        self.given: dict[str, NDArray[Any]] = {}
        self._constants: list[Any] = []
        self._nodes: list[Any] = []
        self.outputs: list[str] = []
        self.stated: list[int] = []

    def choice(self, *values: Any) -> Any:
        return values[self.dice.integers(len(values))]

    def shape(self, least: int = 1, most: int = 4, longest: int = 5) -> list[int]:
        rank = int(self.dice.integers(least, most + 1))
        return [int(n) for n in self.dice.integers(1, longest + 1, rank)]

    def picture(self, channels: int | None = None, least: int = 4) -> list[int]:
        high, wide = (int(n) for n in self.dice.integers(least, 9, 2))
        return [self.choice(1, 2), channels or int(self.dice.integers(1, 7)), high, wide]

    def numbers(self, shape: Any, kind: str = "float32") -> NDArray[Any]:
        if kind == "bool":
            return np.asarray(self.dice.random(shape) < 0.5)
        if kind.startswith("int"):
            return np.asarray(self.dice.integers(-5, 6, shape), kind)
        return np.asarray(self.dice.normal(size=shape), kind)

    def input(self, shape: Any, kind: str = "float32", values: Any = None) -> str:
        name = f"x{len(self.given)}"
        self.given[name] = self.numbers(shape, kind) if values is None else np.asarray(values)
        return name

    def constant(self, values: Any, kind: str = "float32") -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.constant(self.numbers(shape))

    def node(self, kind: str, *inputs: str, outputs: int = 1, **options: Any) -> str:
        made = [f"{kind}{len(self._nodes)}_{n}" for n in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, made, made[0], **options))
        self.outputs = made
        return made[0]

    def images(self, channels: int) -> str:
        """A picture that a convolution made, so that it has its channels last in TFLite."""
        x = self.input(self.picture(channels))
        return self.node("Conv", x, self.weights(channels, channels, 1, 1))

    def model(self) -> bytes:
        inputs = [value(n, list(v.shape), KINDS[v.dtype.name]) for n, v in self.given.items()]
        outputs = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        if self.stated:  # what ONNX does not infer
            outputs = [value(self.outputs[0], self.stated)]
        return model(self._nodes, inputs, outputs, initializers=self._constants, opset=self.opset)


CASES: dict[str, Callable[[Case], Any]] = {}


def case(make: Callable[[Case], Any]) -> Callable[[Case], Any]:
    CASES[make.__name__] = make
    return make


def positive(c: Case, shape: list[int]) -> str:
    return c.input(shape, values=c.dice.uniform(0.3, 3, shape).astype(np.float32))


# ---- arithmetic


@case
def binary(c):
    shape = c.shape(most=5)
    other = [n if c.dice.random() < 0.6 else 1 for n in shape][c.dice.integers(len(shape)) :]
    sides = [c.input(shape), c.choice(c.input, lambda shape: c.weights(*shape))(other)]
    if c.dice.random() < 0.5:
        sides.reverse()
    c.node(c.choice("Add", "Sub", "Mul", "Max", "Min"), *sides)


@case
def binary_after_convolution(c):
    channels = int(c.dice.integers(2, 5))
    x = c.images(channels)
    other = c.choice([channels, 1, 1], [1], [], [1, channels, 1, 1])
    c.node("Relu", c.node(c.choice("Add", "Mul"), x, c.weights(*other)))


@case
def quotient(c):
    shape = c.shape()
    c.node("Div", c.input(shape), positive(c, shape))


@case
def integer_arithmetic(c):
    kind = c.choice("int32", "int64")
    shape = c.shape()
    c.node(c.choice("Add", "Sub", "Mul", "Max", "Min"), c.input(shape, kind), c.input(shape, kind))


@case
def remainder(c):
    kind = c.choice("int32", "int64")
    c.node("Mod", c.input(c.shape(), kind), c.constant(c.choice(3, -4), kind))


@case
def several(c):
    shape = c.shape()
    c.node(c.choice("Sum", "Max", "Min"), *[c.input(shape) for _ in range(c.choice(1, 2, 3, 4))])


@case
def comparison(c):
    shape = c.shape()
    kind = c.choice("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
    dtype = c.choice("float32", "int32", "int64")
    mask = c.node(kind, c.input(shape, dtype), c.input(shape, dtype))
    c.node("Where", mask, c.input(shape), c.weights(shape[-1]))


@case
def logic(c):
    shape = c.shape()
    mask = c.node(c.choice("And", "Or", "Xor"), c.input(shape, "bool"), c.input(shape, "bool"))
    c.node("Not", mask)


@case
def power(c):
    c.node("Pow", positive(c, c.shape()), c.constant(c.choice(2, 3, 0.5, -0.5, -1, 1.7, 4)))


@case
def power_of_integers(c):
    c.node("Pow", c.input(c.shape()), c.constant(c.choice(2, 3, 5), c.choice("int64", "int32")))


@case
def function(c):
    kind = c.choice("Exp", "Abs", "Neg", "Floor", "Ceil", "Sin", "Cos", "Round", "Sign", "Erf")
    c.node(kind, c.input(c.shape()))


@case
def function_of_positives(c):
    c.node(c.choice("Log", "Sqrt", "Reciprocal", "Tan"), positive(c, c.shape()))


# ---- activations


@case
def activation(c):
    kind, options = c.choice(
        ("Relu", {}), ("LeakyRelu", {"alpha": 0.3}), ("Sigmoid", {}), ("Tanh", {}), ("Elu", {}),
        ("Elu", {"alpha": 0.7}), ("Selu", {}), ("Celu", {"alpha": 1.5}), ("HardSwish", {}),
        ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}), ("Softplus", {}),
        ("Softsign", {}), ("Mish", {}), ("Gelu", {}), ("Gelu", {"approximate": "tanh"}),
    )  # fmt: skip
    c.node(kind, c.choice(lambda: c.images(3), lambda: c.input(c.shape()))(), **options)


@case
def clip(c):
    bounds = c.choice((0, 6), (-1, 1), (0, 1), (-0.3, 0.4), (None, 0.5), (-0.5, None), (None, None))
    limits = ["" if bound is None else c.constant(bound) for bound in bounds]
    c.node("Clip", c.input(c.shape()), *limits)


@case
def gelu_in_parts(c):
    x = c.input(c.shape())
    half, one = c.constant(0.5), c.constant(1)
    scaled = c.choice(
        lambda: c.node("Div", x, c.constant(np.sqrt(2))),
        lambda: c.node("Mul", c.constant(np.sqrt(0.5)), x),
    )()
    plus = c.node("Add", *c.dice.permutation([c.node("Erf", scaled), one]).tolist())
    match c.choice(0, 1, 2):
        case 0:
            c.node("Mul", c.node("Mul", x, plus), half)
        case 1:
            c.node("Mul", x, c.node("Mul", half, plus))
        case _:
            c.node("Mul", c.node("Mul", half, x), plus)


@case
def softmax(c):
    shape = c.shape()
    c.opset = c.choice(11, 13, 20)
    axis = int(c.dice.integers(-len(shape), len(shape)))
    c.node(c.choice("Softmax", "LogSoftmax"), c.input(shape), axis=axis)


@case
def softmax_of_channels(c):
    c.node("Softmax", c.images(4), axis=1)


@case
def prelu(c):
    channels = int(c.dice.integers(1, 5))
    x = c.choice(lambda: c.images(channels), lambda: c.input(c.picture(channels)))()
    c.node("PRelu", x, c.weights(*c.choice([channels, 1, 1], [1], [1, channels, 1, 1])))


# ---- convolutions and pools


@case
def convolution(c):
    groups = c.choice(1, 1, 2, 3)
    channels, made = groups * int(c.dice.integers(1, 4)), groups * int(c.dice.integers(1, 4))
    kernel = [int(n) for n in c.dice.integers(1, 4, 2)]
    x = c.input(c.picture(channels, least=6))
    options = {"strides": c.choice([1, 1], [2, 2], [1, 2]), "group": groups}
    options["dilations"] = c.choice([1, 1], [1, 1], [2, 2])
    if c.dice.random() < 0.3:
        options["auto_pad"] = c.choice("SAME_UPPER", "SAME_LOWER", "VALID")
    else:
        options["pads"] = c.dice.integers(0, 3, 4).tolist()
    bias = [c.weights(made)] if c.dice.random() < 0.5 else []
    c.node("Conv", x, c.weights(made, channels // groups, *kernel), *bias, **options)


@case
def depthwise(c):
    channels, times = int(c.dice.integers(2, 6)), c.choice(1, 2)
    x = c.input(c.picture(channels, least=6))
    c.node("Conv", x, c.weights(channels * times, 1, 3, 3), group=channels,
           pads=c.choice([1, 1, 1, 1], [0, 1, 2, 1]), strides=c.choice([1, 1], [2, 2]))  # fmt: skip


@case
def convolutions_of_series(c):
    channels, made = int(c.dice.integers(1, 5)), int(c.dice.integers(1, 5))
    x = c.input([c.choice(1, 2), channels, int(c.dice.integers(6, 12))])
    x = c.node("Conv", x, c.weights(made, channels, 3), c.weights(made),
               pads=c.dice.integers(0, 3, 2).tolist(), strides=[c.choice(1, 2)])  # fmt: skip
    x = c.node("Relu", c.node("Add", x, c.weights(made, 1)))
    x = c.node("BatchNormalization", x, *[c.constant(c.dice.uniform(0.5, 2, made)) for _ in "1234"])
    x = c.node(c.choice("MaxPool", "AveragePool"), x, kernel_shape=[2], strides=[c.choice(1, 2)])
    c.node("Conv", x, c.weights(2, made, 1), dilations=[1])


@case
def transposed(c):
    channels, made = int(c.dice.integers(1, 4)), int(c.dice.integers(1, 4))
    flat = c.dice.random() < 0.3
    kernel, stride = int(c.dice.integers(2, 5)), c.choice(1, 2)
    x = c.input(c.picture(channels)[: 3 if flat else 4])
    axes = 1 if flat else 2
    options: dict[str, Any] = {"strides": [stride] * axes}
    match c.choice("pads", "same", "shape"):
        case "pads":
            options["pads"] = c.dice.integers(0, kernel // 2 + 1, 2 * axes).tolist()
            options["output_padding"] = [c.choice(0, stride - 1)] * axes
        case "same":
            options["auto_pad"] = c.choice("SAME_UPPER", "SAME_LOWER")
        case _:
            low = c.given[x].shape[2:]
            options["output_shape"] = [n * stride for n in low]
    bias = [c.weights(made)] if c.dice.random() < 0.5 else []
    c.node("ConvTranspose", x, c.weights(channels, made, *[kernel] * axes), *bias, **options)


@case
def pool(c):
    kernel = [int(n) for n in c.dice.integers(1, 4, 2)]
    kind = c.choice("MaxPool", "AveragePool")
    options: dict[str, Any] = {"kernel_shape": kernel, "strides": c.choice([1, 1], [2, 2], [2, 1])}
    if c.dice.random() < 0.3:
        options["auto_pad"] = c.choice("SAME_UPPER", "SAME_LOWER", "VALID")
    else:
        options["pads"] = [int(c.dice.integers(0, k)) for k in (*kernel, *kernel)]
        # The last window is to begin in the picture: where it does not, ONNX is read in two ways.
        options["ceil_mode"] = int(max(kernel) > 1 and not any(options["pads"]))
    if kind == "AveragePool":
        options["count_include_pad"] = c.choice(0, 1)
    c.node(kind, c.input(c.picture()), **options)


@case
def whole_pool(c):
    shape = c.choice(c.picture(), [2, 3, 7])
    c.node(c.choice("GlobalAveragePool", "GlobalMaxPool"), c.input(shape))


# ---- products


@case
def product(c):
    rows, inner, columns = (int(n) for n in c.dice.integers(1, 6, 3))
    batch = c.shape(0, 2)
    match c.choice(0, 1, 2, 3, 4):
        case 0:
            c.node("MatMul", c.input([*batch, rows, inner]), c.weights(inner, columns))
        case 1:
            other = [n if c.dice.random() < 0.5 else 1 for n in batch]
            sides = c.input([*batch, rows, inner]), c.input([*other, inner, columns])
            c.node("MatMul", *sides)
        case 2:
            c.node("MatMul", c.weights(rows, inner), c.input([*batch, inner, columns]))
        case 3:
            c.node("MatMul", c.input([inner]), c.input([*batch, inner, columns]))
        case _:
            c.node("MatMul", c.input([*batch, rows, inner]), c.input([inner]))


@case
def gemm(c):
    rows, inner, columns = (int(n) for n in c.dice.integers(1, 6, 3))
    turns = {"transA": c.choice(0, 1), "transB": c.choice(0, 1)}
    a = [inner, rows] if turns["transA"] else [rows, inner]
    b = [columns, inner] if turns["transB"] else [inner, columns]
    other = c.choice(lambda: c.weights(*b), lambda: c.input(b))()
    bias = c.choice([], [c.weights(columns)], [c.input([rows, 1])], [c.weights(1)])
    c.node("Gemm", c.input(a), other, *bias, alpha=c.choice(1.0, 0.5), beta=c.choice(1.0, 2.0),
           **turns)  # fmt: skip


# ---- normalizations


@case
def layer_normalization(c):
    shape = c.shape(2, 4, 6)
    axis = int(c.dice.integers(1, len(shape)))
    rest = shape[axis:]
    operands = [c.weights(*rest)] + [c.weights(*rest)] * c.choice(0, 1)
    c.node("LayerNormalization", c.input(shape), *operands, axis=axis - c.choice(0, len(shape)),
           epsilon=1e-3)  # fmt: skip


@case
def batch_normalization(c):
    channels = int(c.dice.integers(1, 5))
    make = c.choice(lambda: c.images(channels), lambda: c.input([2, channels, *c.shape(0, 2)]))
    statistics = [c.constant(c.dice.uniform(0.5, 2, channels)) for _ in range(4)]
    c.node("BatchNormalization", make(), *statistics, epsilon=1e-3)


@case
def instance_normalization(c):
    channels = int(c.dice.integers(1, 5))
    make = c.choice(lambda: c.images(channels), lambda: c.input([2, channels, 9]))
    scale, bias = c.weights(channels), c.weights(channels)
    c.node("InstanceNormalization", make(), scale, bias, epsilon=1e-3)


@case
def group_normalization(c):
    c.opset = 21
    groups = c.choice(1, 2, 3)
    channels = groups * c.choice(1, 2)
    x = c.input(c.picture(channels))
    scale, bias = c.weights(channels), c.weights(channels)
    c.node("GroupNormalization", x, scale, bias, num_groups=groups, epsilon=1e-3)
    c.stated = list(c.given[x].shape)


@case
def lengths(c):
    c.node("LpNormalization", c.input(c.shape()), axis=-1, p=2)


@case
def local_response(c):
    c.node("LRN", c.input(c.picture()), size=c.choice(1, 3, 5), alpha=0.2, beta=0.6, bias=1.5)


# ---- reductions


@case
def reduction(c):
    shape = c.shape()
    axes = c.dice.permutation(len(shape))[: c.dice.integers(1, len(shape) + 1)]
    kind = c.choice("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
                    "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp")  # fmt: skip
    named = [c.constant(axes - c.choice(0, len(shape)), "int64")] * c.choice(0, 1, 1)
    c.node(kind, c.input(shape), *named, keepdims=c.choice(0, 1))


@case
def reduction_after_convolution(c):
    axes = c.choice([2, 3], [1], [0, 1], [-1], [1, 2, 3], [2])
    c.node(c.choice("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2"), c.images(3),
           c.constant(axes, "int64"), keepdims=c.choice(0, 1))  # fmt: skip


@case
def place_of_largest(c):
    shape = c.shape()
    c.node(c.choice("ArgMax", "ArgMin"), c.input(shape), keepdims=c.choice(0, 1),
           axis=int(c.dice.integers(-len(shape), len(shape))))  # fmt: skip


@case
def largest(c):
    shape = c.shape(longest=6)
    axis = int(c.dice.integers(len(shape)))
    count = c.constant([int(c.dice.integers(1, shape[axis] + 1))], "int64")
    c.node("TopK", c.input(shape), count, outputs=2, axis=axis)


@case
def cumulative(c):
    shape = c.shape()
    axis = c.constant(int(c.dice.integers(-len(shape), len(shape))), "int64")
    c.node("CumSum", c.input(shape), axis, exclusive=c.choice(0, 1), reverse=c.choice(0, 1))


# ---- shapes


@case
def shapes(c):
    shape = c.shape(2, 4)
    x = c.input(shape, c.choice("float32", "int64", "bool"))
    match c.choice("Reshape", "Flatten", "Unsqueeze", "Transpose", "Identity"):
        case "Reshape":
            c.node("Reshape", x, c.constant([0, -1], "int64"))
        case "Flatten":
            c.node("Flatten", x, axis=int(c.dice.integers(len(shape) + 1)))
        case "Unsqueeze":
            x = c.node("Unsqueeze", x, c.constant([1], "int64"))
            c.node("Squeeze", x, c.constant([1], "int64"))
        case "Transpose":
            c.node("Transpose", x, perm=c.dice.permutation(len(shape)).tolist())
        case _:
            c.node("Identity", x)


@case
def channels_to_the_end_and_back(c):
    x = c.node("Relu", c.node("Transpose", c.images(3), perm=[0, 2, 3, 1]))
    x = c.node("Conv", c.node("Transpose", x, perm=[0, 3, 1, 2]), c.weights(2, 3, 1, 1))
    c.node("Flatten", x)


@case
def expansion(c):
    shape = c.shape()
    narrow = [n if c.dice.random() < 0.5 else 1 for n in shape]
    x = c.input(narrow, c.choice("float32", "int64", "bool"))
    c.node("Expand", x, c.constant(shape, "int64"))


@case
def repetition(c):
    shape = c.shape()
    c.node("Tile", c.input(shape), c.constant(c.dice.integers(1, 3, len(shape)), "int64"))


@case
def cast(c):
    wanted = c.choice(TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)
    c.node("Cast", c.input(c.shape(), c.choice("float32", "int64", "int32", "bool")), to=wanted)


@case
def depth(c):
    size = c.choice(2, 3)
    batch, channels, high, wide = c.picture()
    if c.dice.random() < 0.7:
        x = c.input([batch, channels * size * size, high, wide])
        c.node("DepthToSpace", x, blocksize=size, mode=c.choice("DCR", "CRD"))
    else:
        x = c.input([batch, channels, high * size, wide * size])
        c.node("SpaceToDepth", x, blocksize=size)


@case
def joining(c):
    shape = c.shape()
    axis = int(c.dice.integers(len(shape)))
    parts = [c.input([*shape[:axis], n, *shape[axis + 1 :]]) for n in c.choice((1, 2), (3, 1, 2))]
    c.node("Concat", *parts, axis=axis - c.choice(0, len(shape)))


@case
def parting(c):
    sizes = c.choice([1, 2], [3, 1, 2], [4])
    shape = c.shape()
    axis = int(c.dice.integers(len(shape)))
    shape[axis] = sum(sizes)
    x = c.input(shape, c.choice("float32", "int64"))
    c.node("Split", x, c.constant(sizes, "int64"), outputs=len(sizes), axis=axis)


@case
def parting_of_channels(c):
    c.node("Split", c.images(5), c.constant([2, 3], "int64"), outputs=2, axis=c.choice(1, -3))


# ---- indices


@case
def gather(c):
    shape = c.shape(1, 4)
    axis = int(c.dice.integers(len(shape)))
    places = c.dice.integers(-shape[axis], shape[axis], c.choice((), (3,), (2, 2)))
    kind = c.choice("int64", "int32")
    where = c.choice(lambda: c.constant(places, kind),
                     lambda: c.input((), values=np.asarray(places, kind)))()  # fmt: skip
    c.node("Gather", c.input(shape, c.choice("float32", "int64")), where, axis=axis)


@case
def gather_nd(c):
    shape = c.shape(2, 4)
    depth = int(c.dice.integers(1, len(shape) + 1))
    places = [[int(c.dice.integers(n)) for n in shape[:depth]] for _ in range(3)]
    c.node("GatherND", c.input(shape), c.constant(places, "int64"))


@case
def slicing(c):
    shape = c.shape(1, 4, 7)
    axes = np.sort(c.dice.permutation(len(shape))[: c.dice.integers(1, len(shape) + 1)])
    first = [int(c.dice.integers(-shape[a] - 1, shape[a])) for a in axes]
    step = [c.choice(1, 2, -1, -2) for _ in axes]
    first = [-1 if s < 0 else 0 if f < 0 else f for f, s in zip(first, step, strict=True)]
    last = [-(2**40) if s < 0 else 2**40 for s in step]
    ends = (first, last, axes, step)
    c.node("Slice", c.input(shape), *[c.constant(v, "int64") for v in ends])


@case
def slicing_of_channels(c):
    ends = [c.constant(v, "int64") for v in ([1, 0], [3, -1], [1, 2])]
    c.node("Slice", c.images(4), *ends)


@case
def one_hot(c):
    depth = 5
    places = c.dice.integers(-depth, depth, c.shape(1, 3))
    c.node("OneHot", c.input((), values=places), c.constant(depth, "int64"),
           c.constant([0.25, 2]), axis=c.choice(-1, 0, 1))  # fmt: skip


@case
def triangle(c):
    shape = c.shape(2, 4)
    c.node("Trilu", c.input(shape), c.constant(c.choice(-1, 0, 1), "int64"), upper=c.choice(0, 1))


# ---- borders and sizes


@case
def border(c):
    mode = c.choice("constant", "reflect")
    x = c.choice(lambda: c.images(2), lambda: c.input(c.picture(3)))()
    pads = c.dice.integers(0, 3, 8)
    pads[[0, 1, 4, 5]] = 0
    fill = [c.constant(c.choice(0, 1.5))] if mode == "constant" else []
    c.node("Pad", x, c.constant(pads, "int64"), *fill, mode=mode)


@case
def border_of_some_axes(c):
    x = c.input(c.shape(3, 4))
    c.node("Pad", x, c.constant([1, 0, 0, 2], "int64"), "", c.constant([-1, 0], "int64"))


@case
def resize(c):
    batch, channels, high, wide = c.picture()
    linear = c.dice.random() < 0.5
    where = c.choice("asymmetric", "half_pixel", "align_corners")
    rounding = "floor" if where == "asymmetric" else "round_prefer_ceil"
    times = c.choice(2, 3)
    sizes = c.constant([batch, channels, high * times, wide * times], "int64")
    x = c.input([batch, channels, high, wide])
    mode = {"mode": "linear"} if linear else {"mode": "nearest", "nearest_mode": rounding}
    c.node("Resize", x, "", "", sizes, coordinate_transformation_mode=where, **mode)


@case
def attention(c):
    """As exporters write it, small."""
    heads, wide, length = 2, 4, 5
    x = c.input([1, length, heads * wide])
    sides = []
    for _ in range(3):
        y = c.node("MatMul", x, c.weights(heads * wide, heads * wide))
        y = c.node("Reshape", c.node("Add", y, c.weights(heads * wide)),
                   c.constant([0, 0, heads, wide], "int64"))  # fmt: skip
        sides.append(c.node("Transpose", y, perm=[0, 2, 1, 3]))
    turned = c.node("Transpose", sides[1], perm=[0, 1, 3, 2])
    scores = c.node("Softmax", c.node("MatMul", sides[0], turned), axis=-1)
    y = c.node("Transpose", c.node("MatMul", scores, sides[2]), perm=[0, 2, 1, 3])
    y = c.node("Reshape", y, c.constant([0, 0, -1], "int64"))
    c.node("LayerNormalization", c.node("Add", x, y), c.weights(heads * wide))
