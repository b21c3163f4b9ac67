"""The filters' kernels at the edges of what they accept; as exercise.py."""

from __future__ import annotations

from itertools import product

import numpy as np

from homebody import kernels

HARD = (0.0, 1.0, -1e30, 1e100, 1e300, float("nan"), 1e-300)


def exercise() -> int:
    calls = 0
    rng = np.random.default_rng(3)
    for count in (32, 64, 4096):
        kernels.normals(count, seed=2**32 - 1, stream=2**32 - 1, tick=2**32 - 1)
    for scheme, n in product(kernels.RESAMPLING, (1, 2, 7, 8, 9, 500, 65536)):
        for weights in (np.ones(n), rng.random(n), np.eye(1, n)[0], np.full(n, 1e-300)):
            kernels.resample(weights, scheme, seed=n)
            calls += 1
    for states, outputs, degrees in product((1, 5, 256), (1, 3, 64), (0.0, 4.0)):
        process = np.eye(states) * 1e-3
        exact = kernels.Kalman(
            states, outputs, mean=np.ones(states), covariance=np.eye(states), process=process,
            degrees=degrees, adaptive=0.25,
        )  # fmt: skip
        blocks = [exact]
        for count, scheme in ((2, "systematic"), (9, "residual"), (64, "stratified"),
                              (500, "multinomial")):  # fmt: skip
            if states == 256 and count > 9:
                continue
            particles = kernels.Particles(
                states, count, outputs, mean=np.ones(states),
                factor=np.eye(states, dtype=np.float32), resampling=scheme, degrees=degrees,
                threshold=1.0, seed=count,
            )  # fmt: skip
            particles.factor[:] = np.eye(states) * 0.1
            blocks.append(particles)
        for block, value, dt in product(blocks, HARD, (0.0, 1.0, 1e12)):
            block.rows[:] = rng.normal(size=(outputs, states))
            block.measured[:] = value
            block.predict(dt)
            block.update(dt)
            calls += 2
        for block in blocks:
            block.restore(block.save())
            hostile = np.frombuffer(block.save(), np.uint8).copy()
            for _ in range(10):
                hostile[rng.integers(16, len(hostile), 4)] = rng.integers(0, 256, 4)
                block.memory[:] = hostile  # past every check but C's own
                block.update(1.0)
                block.predict(1.0)
                calls += 2
    return calls
