"""A model of one, from its first measurement to an answer."""

from __future__ import annotations

import numpy as np

from homebody.adapt import Base, ModelOfOne, Prior


def test_a_model_of_one_learns_its_asset():
    rng = np.random.default_rng(0)
    prior = Prior(np.array([1.0, 0.5, 0.0]), np.eye(3) * 0.1, np.eye(3) * 1e-5, np.array([0.1]))
    base = Base(np.asarray, np.array([[1.0, 0.5, 0.0]]), "0" * 64, prior)
    truth = np.array([1.2, 0.1, 0.3])
    for filter in (None, prior.particles(particles=2000), prior.filter(degrees=4)):
        twin = ModelOfOne(base, "cell 7", filter=filter)
        for _ in range(100):
            u = rng.normal(size=2)
            twin.observe(u, float(u @ truth[:2] + truth[2] + rng.normal() * 0.1))
        mean, (low, high) = twin.predict([1.0, 1.0])
        assert abs(mean[0] - 1.6) < 0.1
        assert low[0] < 1.6 < high[0]
        assert 0.3 < high[0] - low[0] < 0.6
