"""One asset's update, microseconds: Homebody's filters beside their peers, in one process.

    pip install '.[bench-adapt]'
    python benchmarks/adapt.py [--rounds 15] [--json]

A state of five that is seen through one row of numbers a measurement, with Gaussian noise: the
article's last layer. Every particle filter has 500 particles, moves them, weighs them, takes the
prediction and resamples systematically below half of the effective sample size; a call is one
measurement, from Python and back. All run the same track, and the last column says how far one
seed's predictions lie from the exact ones, in the noise's standard deviations: chance, mostly.

Peers that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from in_turn import report, seconds

from homebody.adapt import Gaussian, LastLayerFilter, ParticleFilter, UnscentedKalmanFilter

warnings.filterwarnings("ignore")

STATES, PARTICLES, STEPS = 5, 500, 60
Q, R = 1e-4, 0.01  # variances of a step of the state, and of the noise
PRIOR = 0.1

Call = Callable[[np.ndarray, float], float]
"""(row, measured) to the mean that was predicted."""
PEERS: dict[str, Callable[[], Call]] = {}


def peer(name: str) -> Callable[[Callable[[], Call]], Callable[[], Call]]:
    """Register a function that makes a filter, or fails to import it."""

    def register(make: Callable[[], Call]) -> Callable[[], Call]:
        PEERS[name] = make
        return make

    return register


@peer("Homebody particles")
def homebody_particles() -> Call:
    filter = ParticleFilter(
        np.zeros(STATES), np.eye(STATES) * PRIOR, process=Gaussian(Q**0.5),
        likelihood=Gaussian(R**0.5), particles=PARTICLES,
    )  # fmt: skip
    return lambda row, y: filter.update(row, y)[0][0]


@peer("numpy particles")
def numpy_particles() -> Call:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((PARTICLES, STATES)) * PRIOR**0.5
    log_weights = np.zeros(PARTICLES)

    def update(row: np.ndarray, y: float) -> float:
        nonlocal x, log_weights
        x = x + rng.standard_normal(x.shape) * Q**0.5
        seen = x @ row
        weights = np.exp(log_weights)
        mean = weights @ seen / weights.sum()
        log_weights = log_weights - 0.5 * (y - seen) ** 2 / R
        log_weights -= log_weights.max()
        weights = np.exp(log_weights)
        weights /= weights.sum()
        if 1 / (weights @ weights) < PARTICLES / 2:
            points = (rng.random() + np.arange(PARTICLES)) / PARTICLES
            x = x[np.minimum(np.searchsorted(np.cumsum(weights), points), PARTICLES - 1)]
            log_weights = np.zeros(PARTICLES)
        return mean

    return update


@peer("JAX particles, jit")
def jax_particles() -> Call:
    import jax
    import jax.numpy as jnp

    @jax.jit
    def step(x, log_weights, key, row, y):  # type: ignore[no-untyped-def]
        key, move, draw = jax.random.split(key, 3)
        x = x + jax.random.normal(move, x.shape) * Q**0.5
        seen = x @ row
        mean = jax.nn.softmax(log_weights) @ seen
        log_weights = log_weights - 0.5 * (y - seen) ** 2 / R
        weights = jax.nn.softmax(log_weights)

        def renew():  # type: ignore[no-untyped-def]
            points = (jax.random.uniform(draw) + jnp.arange(PARTICLES)) / PARTICLES
            at = jnp.searchsorted(jnp.cumsum(weights), points)
            return x[jnp.minimum(at, PARTICLES - 1)], jnp.zeros(PARTICLES)

        few = 1 / (weights @ weights) < PARTICLES / 2
        x, log_weights = jax.lax.cond(few, renew, lambda: (x, jnp.log(weights)))
        return x, log_weights, key, mean

    key = jax.random.PRNGKey(0)
    start = jax.random.normal(key, (PARTICLES, STATES)) * PRIOR**0.5
    held = [start, jnp.zeros(PARTICLES), key]

    def update(row: np.ndarray, y: float) -> float:
        *held[:], mean = step(*held, row, y)
        return float(mean)

    return update


@peer("particles")
def chopins_particles() -> Call:
    import particles
    from particles import distributions as dists
    from particles import state_space_models as ssm

    row_now = [np.zeros(STATES)]

    class Model(ssm.StateSpaceModel):  # type: ignore[misc]
        def PX0(self):  # type: ignore[no-untyped-def]
            return dists.MvNormal(cov=np.eye(STATES) * PRIOR)

        def PX(self, t, xp):  # type: ignore[no-untyped-def]
            return dists.MvNormal(loc=xp, cov=np.eye(STATES) * Q)

        def PY(self, t, xp, x):  # type: ignore[no-untyped-def]
            return dists.Normal(loc=x @ row_now[0], scale=R**0.5)

    model = ssm.Bootstrap(ssm=Model(), data=[0.0] * 10_000_000)
    smc = particles.SMC(fk=model, N=PARTICLES, resampling="systematic", ESSrmin=0.5)

    def update(row: np.ndarray, y: float) -> float:
        row_now[0] = row
        model.data[smc.t] = y
        mean = float(smc.W @ (smc.X @ row)) if smc.t else 0.0
        next(smc)
        return mean

    return update


@peer("pfilter")
def pfilter_particles() -> Call:
    from pfilter import ParticleFilter as Peer
    from pfilter import systematic_resample

    row_now = [np.zeros(STATES)]
    rng = np.random.default_rng(0)
    filter = Peer(
        prior_fn=lambda n: rng.standard_normal((n, STATES)) * PRIOR**0.5,
        observe_fn=lambda x: (x @ row_now[0])[:, None],
        dynamics_fn=lambda x: x,
        noise_fn=lambda x: x + rng.standard_normal(x.shape) * Q**0.5,
        weight_fn=lambda hyp, y: np.exp(-0.5 * (hyp[:, 0] - y[0]) ** 2 / R),
        n_particles=PARTICLES, resample_proportion=0.0, n_eff_threshold=0.5,
        resample_fn=systematic_resample,
    )  # fmt: skip

    def update(row: np.ndarray, y: float) -> float:
        row_now[0] = row
        mean = float(np.mean(filter.particles @ row))
        filter.update(np.array([y]))
        return mean

    return update


@peer("Stone Soup")
def stone_soup() -> Call:
    from datetime import datetime, timedelta

    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.transition.linear import (
        CombinedLinearGaussianTransitionModel,
        RandomWalk,
    )
    from stonesoup.predictor.particle import ParticlePredictor
    from stonesoup.resampler.particle import ESSResampler, SystematicResampler
    from stonesoup.types.detection import Detection
    from stonesoup.types.hypothesis import SingleHypothesis
    from stonesoup.types.state import ParticleState, StateVector, StateVectors
    from stonesoup.updater.particle import ParticleUpdater

    moves = CombinedLinearGaussianTransitionModel([RandomWalk(Q)] * STATES)
    predictor = ParticlePredictor(moves)
    updater = ParticleUpdater(None, resampler=ESSResampler(PARTICLES / 2, SystematicResampler()))
    rng = np.random.default_rng(0)
    now = datetime(2024, 1, 1)
    state = ParticleState(
        StateVectors(rng.standard_normal((STATES, PARTICLES)) * PRIOR**0.5),
        weight=np.full(PARTICLES, 1 / PARTICLES), timestamp=now,
    )  # fmt: skip

    class Rows(LinearGaussian):  # type: ignore[misc]
        def matrix(self, **_):  # type: ignore[no-untyped-def]
            return self.row

    model = Rows(ndim_state=STATES, mapping=[0], noise_covar=np.array([[R]]))

    def update(row: np.ndarray, y: float) -> float:
        nonlocal state, now
        now = now + timedelta(seconds=1)
        object.__setattr__(model, "row", row[None])
        mean = float(row @ np.asarray(state.mean).ravel())
        prediction = predictor.predict(state, timestamp=now)
        seen = Detection(StateVector([y]), timestamp=now, measurement_model=model)
        state = updater.update(SingleHypothesis(prediction, seen))
        return mean

    return update


@peer("TensorFlow Probability, graph")
def tensorflow_probability() -> Call:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    import tensorflow_probability as tfp

    d = tfp.distributions
    x = tf.Variable(tf.random.normal((PARTICLES, STATES)) * PRIOR**0.5)
    log_weights = tf.Variable(tf.zeros(PARTICLES))

    @tf.function
    def step(row, y):  # type: ignore[no-untyped-def]
        moved = d.MultivariateNormalDiag(x, tf.fill([STATES], Q**0.5)).sample()
        seen = tf.linalg.matvec(moved, row)
        mean = tf.reduce_sum(tf.nn.softmax(log_weights) * seen)
        weighed = tf.nn.log_softmax(log_weights + d.Normal(seen, R**0.5).log_prob(y))
        chosen = tfp.experimental.mcmc.resample_systematic(weighed, PARTICLES, ())
        low = 1 / tf.reduce_sum(tf.exp(2 * weighed)) < PARTICLES / 2
        x.assign(tf.cond(low, lambda: tf.gather(moved, chosen), lambda: moved))
        log_weights.assign(tf.cond(low, lambda: tf.zeros(PARTICLES), lambda: weighed))
        return mean

    return lambda row, y: float(
        step(tf.constant(row, tf.float32), tf.constant(y, tf.float32)).numpy()
    )


@peer("ProgPy particles")
def progpy_particles() -> Call:
    from progpy import PrognosticsModel
    from progpy.state_estimators import ParticleFilter as Peer
    from progpy.uncertain_data import MultivariateNormalDist

    names = [f"x{i}" for i in range(STATES)]
    row_now = [np.zeros(STATES)]

    class Model(PrognosticsModel):  # type: ignore[misc]
        is_vectorized = True
        inputs = ()
        states = tuple(names)
        outputs = ("y",)
        events = ()
        default_parameters = MappingProxyType(
            {"x0": dict.fromkeys(names, 0.0), "process_noise": Q**0.5}
        )

        def next_state(self, x, u, dt):  # type: ignore[no-untyped-def]
            return x

        def output(self, x):  # type: ignore[no-untyped-def]
            total = sum(row_now[0][i] * np.asarray(x[name]) for i, name in enumerate(names))
            return self.OutputContainer({"y": total})

    model = Model()
    prior = MultivariateNormalDist(names, np.zeros(STATES), np.eye(STATES) * PRIOR)
    filter = Peer(model, prior, num_particles=PARTICLES, measurement_noise={"y": R**0.5})
    time = [0.0]

    def update(row: np.ndarray, y: float) -> float:
        row_now[0] = row
        time[0] += 1.0
        mean = filter.x.mean
        filter.estimate(time[0], {}, {"y": y})
        return float(sum(row[i] * mean[name] for i, name in enumerate(names)))

    return update


@peer("filterpy UKF")
def filterpy_ukf() -> Call:
    from filterpy.kalman import MerweScaledSigmaPoints
    from filterpy.kalman import UnscentedKalmanFilter as Peer

    points = MerweScaledSigmaPoints(STATES, alpha=0.1, beta=2.0, kappa=0.0)
    filter = Peer(STATES, 1, 1, hx=lambda x, row: np.array([row @ x]), fx=lambda x, dt: x,
                  points=points)  # fmt: skip
    filter.P, filter.Q, filter.R = np.eye(STATES) * PRIOR, np.eye(STATES) * Q, np.eye(1) * R

    def update(row: np.ndarray, y: float) -> float:
        mean = float(row @ filter.x)
        filter.predict()
        filter.update(y, row=row)
        return mean

    return update


@peer("Homebody UKF")
def homebody_ukf() -> Call:
    filter = UnscentedKalmanFilter(
        np.zeros(STATES), np.eye(STATES) * PRIOR, process=Gaussian(Q**0.5), noise=Gaussian(R**0.5),
        measure=lambda x, row: row @ x,
    )  # fmt: skip
    return lambda row, y: filter.update(row, y)[0][0]


@peer("Homebody Kalman")
def homebody_kalman() -> Call:
    filter = LastLayerFilter(
        np.zeros(STATES), np.eye(STATES) * PRIOR, process=Gaussian(Q**0.5), noise=Gaussian(R**0.5)
    )
    return lambda row, y: filter.update(row, y)[0][0]


@peer("filterpy Kalman")
def filterpy_kalman() -> Call:
    from filterpy.kalman import KalmanFilter

    filter = KalmanFilter(dim_x=STATES, dim_z=1)
    filter.P, filter.Q, filter.R = np.eye(STATES) * PRIOR, np.eye(STATES) * Q, np.eye(1) * R

    def update(row: np.ndarray, y: float) -> float:
        filter.predict()
        mean = float(row @ filter.x[:, 0])
        filter.update(y, H=row[None])
        return mean

    return update


@peer("dynamax Kalman, jit")
def dynamax_kalman() -> Call:
    import jax
    import jax.numpy as jnp
    from dynamax.linear_gaussian_ssm import inference

    @jax.jit
    def step(mean, covariance, row, y):  # type: ignore[no-untyped-def]
        covariance = covariance + jnp.eye(STATES) * Q
        h = row[None]
        after = inference._condition_on(
            mean, covariance, h, jnp.zeros((1, 1)), jnp.zeros(1), jnp.eye(1) * R, jnp.zeros(1),
            jnp.array([y]),
        )  # fmt: skip
        return (*after, row @ mean)

    held = [jnp.zeros(STATES), jnp.eye(STATES) * PRIOR]

    def update(row: np.ndarray, y: float) -> float:
        *held[:], mean = step(*held, row, y)
        return float(mean)

    return update


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", help="names of peers, in part")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    x = rng.normal(size=STATES) * PRIOR**0.5
    rows = rng.normal(size=(STEPS, STATES))
    y = np.empty(STEPS)
    for k in range(STEPS):
        x = x + rng.normal(size=STATES) * Q**0.5
        y[k] = rows[k] @ x + rng.normal() * R**0.5
    track = list(zip(rows, y.tolist(), strict=True))

    calls: dict[str, Call] = {}
    absent: list[str] = []
    for name, make in PEERS.items():
        if options.only and not any(part in name for part in options.only):
            continue
        try:
            calls[name] = make()
        except ImportError as error:
            absent.append(f"{name} ({error.name})")
    found = {name: [call(*each) for each in track] for name, call in calls.items()}
    exact = homebody_kalman()
    truth = np.array([exact(*each) for each in track])

    def through(call: Call) -> Callable[[], None]:
        def run() -> None:
            for each in track:
                call(*each)

        return run

    times = seconds({name: through(call) for name, call in calls.items()}, options.rounds)
    ours = {"particles": "Homebody particles", "UKF": "Homebody UKF", "Kalman": "Homebody Kalman"}
    lines = []
    for name, taken in times.items():
        kind = next((k for k in ("UKF", "Kalman") if k in name), "particles")
        own = times.get(ours[kind])
        off = np.sqrt(np.mean((np.array(found[name]) - truth)[10:] ** 2)) / R**0.5
        ratio = f"{taken / own:.1f}" if own else ""
        lines.append([name, f"{taken / STEPS * 1e6:.1f}", ratio, f"{off:.3f}"])
    versions = {}
    for package in ("numpy", "jax", "particles", "pfilter", "stonesoup", "tensorflow-probability",
                    "progpy", "filterpy", "dynamax"):  # fmt: skip
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    report(
        f"One update of {STATES} states ({PARTICLES} particles)",
        ["", "µs an update", "times ours of its kind", "off the exact prediction, sigmas"],
        lines,
        {"rounds": options.rounds, "steps": STEPS, **versions, "left out": absent or "none"},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
