"""Serving a compiled model: KServe's v2 and TensorFlow Serving's predict protocols over HTTP.

:mod:`~homebody.server.predict.signature` says what the model takes and gives;
:mod:`~homebody.server.predict.kserve` and :mod:`~homebody.server.predict.tensorflow` read requests
and write answers, as pure functions;
:mod:`~homebody.server.predict.batching` computes requests together that wait together;
:mod:`~homebody.server.predict.computing` runs the model, and the native engine where another fails;
:mod:`~homebody.server.predict.app` is the ASGI application around them.
"""
