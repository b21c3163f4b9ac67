"""Builds apart: engines compile in a process of their own, so that one that crashes ends only that.

:mod:`~homebody.engines.isolation.engine` is an engine whose builds are made apart;
:mod:`~homebody.engines.isolation.builder` starts the other process, asks it, and tells how it
ended; :mod:`~homebody.engines.isolation.messages` is what the two say to each other, and
``python -m homebody.engines.isolation`` is the other process.
"""
