"""A model behind plain uvicorn, one request at a time: what serve-model is measured beside.

    python benchmarks/peers/serve_plainly.py onnxruntime MODEL.onnx PORT
    python benchmarks/peers/serve_plainly.py tensorflow SAVED_MODEL PORT

A request's body is one float32 tensor, [1, 32, 32, 3] in C order, and so is the answer's: no JSON
is read and nothing is checked, so what is left is the server and the model. The model computes in
one worker thread, so that the event loop goes on reading meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import uvicorn

SHAPE = (1, 32, 32, 3)


def onnxruntime(path: str) -> Callable[[Any], Any]:
    """A session of one thread."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def tensorflow(path: str) -> Callable[[Any], Any]:
    """The SavedModel's signature, on one thread."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]
    (feed,) = signature.structured_input_signature[1]
    (result,) = signature.structured_outputs
    return lambda x: (loaded, signature(**{feed: tf.constant(x)})[result].numpy())[1]


def main() -> None:
    """Serve until the end."""
    kind, path, port = sys.argv[1:]
    run = {"onnxruntime": onnxruntime, "tensorflow": tensorflow}[kind](path)
    run(np.zeros(SHAPE, np.float32))
    worker = ThreadPoolExecutor(1)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        x = np.frombuffer(body, np.float32).reshape(SHAPE)
        answer = (await asyncio.get_running_loop().run_in_executor(worker, run, x)).tobytes()
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    uvicorn.run(app, port=int(port), log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
