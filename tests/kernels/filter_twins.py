"""The filters' kernels again, in numpy: float32 where they have it, in the same order."""

from __future__ import annotations

import numpy as np

F = np.float32
LANES = 16


def lanes_sum(values: np.ndarray) -> np.float32:
    """Sixteen running sums, then their sum by halves."""
    v = np.zeros(LANES, F)
    for row in values.reshape(-1, LANES):
        v = v + row
    while len(v) > 1:
        v = v[: len(v) // 2] + v[len(v) // 2 :]
    return v[0]


def log(v: np.ndarray) -> np.ndarray:
    bits = v.view(np.int32)
    exponent = (bits - np.int32(0x3F3504F3)) >> 23
    m = (bits - (exponent << 23)).view(F)
    s = (m - F(1)) / (m + F(1))
    s2 = s * s
    series = (((s2 * F(0.11111111) + F(0.14285715)) * s2 + F(0.2)) * s2 + F(0.33333334)) * s2
    e = exponent.astype(F)
    return e * F(0.693145752) + (F(2) * s + (F(2) * s * series + e * F(1.42860677e-6)))


def exp(v: np.ndarray) -> np.ndarray:
    tiny = v < F(-87)
    v = np.where(tiny, F(0), v)
    rounded = (v * F(1.4426950) + F(12582912)) - F(12582912)
    x = (v - rounded * F(0.693145752)) - rounded * F(1.42860677e-6)
    p = x * F(0.00019841270) + F(0.0013888889)
    for c in (0.0083333338, 0.041666668, 0.16666667, 0.5, 1.0, 1.0):
        p = p * x + F(c)
    scaled = (p.view(np.int32) + (rounded.astype(np.int32) << 23)).view(F)
    return np.where(tiny, F(0), scaled)


def philox(c: list[np.ndarray], key0: int, key1: int, rounds: int = 7) -> list[np.ndarray]:
    c = [word.astype(np.uint64) for word in c]
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(rounds):
        a = c[0] * np.uint64(0xD2511F53)
        b = c[2] * np.uint64(0xCD9E8D57)
        c = [
            (b >> np.uint64(32)) ^ c[1] ^ np.uint64(key0), b & mask,
            (a >> np.uint64(32)) ^ c[3] ^ np.uint64(key1), a & mask,
        ]  # fmt: skip
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return [word.astype(np.uint32) for word in c]


def draw(seed: int, stream: int, tick: int, blocks: int, purpose: int) -> list[np.ndarray]:
    """Four words [blocks, lanes]."""
    index = np.arange(blocks * LANES, dtype=np.uint32)
    zero = np.zeros_like(index)
    words = philox([index, zero, zero + np.uint32(tick), zero + np.uint32(purpose)], seed, stream)
    return [word.reshape(blocks, LANES) for word in words]


def box_muller(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    uniform = (a >> np.uint32(1)).astype(np.int32).astype(F) * F(2**-31) + F(2**-32)
    radius = np.sqrt(F(-2) * log(uniform))
    quarter = (b + np.uint32(0x20000000)) >> np.uint32(30)
    t = (b - (quarter << np.uint32(30))).view(np.int32).astype(F) * F(2**-30)
    t2 = t * t
    sine = t2 * F(0.00016044118) - F(0.0046817541)
    sine = ((sine * t2 + F(0.079692626)) * t2 - F(0.64596410)) * t2 + F(1.5707964)
    sine = sine * t
    cosine = ((t2 * F(0.00091926027) - F(0.020863480)) * t2 + F(0.25366951)) * t2 - F(1.2337006)
    cosine = cosine * t2 + F(1)
    odd = (quarter & 1) != 0
    first, second = np.where(odd, sine, cosine), np.where(odd, cosine, sine)
    flip_first = ((quarter + np.uint32(1)) & np.uint32(2)) != 0
    flip_second = (quarter & np.uint32(2)) != 0
    return (
        radius * np.where(flip_first, -first, first),
        radius * np.where(flip_second, -second, second),
    )


def turned(v: np.ndarray, by: int) -> np.ndarray:
    return (v << np.uint32(by)) | (v >> np.uint32(32 - by))


def normals(count: int, seed: int, stream: int, tick: int) -> np.ndarray:
    """xoshiro128++ in each lane, from where Philox says."""
    s = [word.reshape(-1) for word in draw(seed, stream, tick, 1, 0)]
    words = []
    for _ in range(2 * -(-count // (2 * LANES))):
        words.append(turned(s[0] + s[3], 7) + s[0])
        shifted = s[1] << np.uint32(9)
        s[2], s[3] = s[2] ^ s[0], s[3] ^ s[1]
        s[1], s[0] = s[1] ^ s[2], s[0] ^ s[3]
        s[2], s[3] = s[2] ^ shifted, turned(s[3], 11)
    return np.stack(box_muller(np.array(words[::2]), np.array(words[1::2])), axis=1).reshape(-1)


def uniforms(count: int, seed: int, stream: int, tick: int) -> np.ndarray:
    c = [word.astype(np.uint64) for word in draw(seed, stream, tick, -(-count // (2 * LANES)), 1)]
    halves = [(c[0] << np.uint64(32)) | c[1], (c[2] << np.uint64(32)) | c[3]]
    bits = np.stack(halves, axis=-1).reshape(-1)[:count]
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def running_sum(weights: np.ndarray) -> np.ndarray:
    """Of four parts, then what came before each; what the parts leave over, one by one."""
    length = len(weights) // 4
    parts = np.cumsum(weights[: 4 * length].reshape(4, length), axis=1)
    total, before = parts.copy(), 0.0
    for part in range(1, 4 if length else 0):
        before += float(parts[part - 1, -1])
        total[part] += before
    found = list(total.reshape(-1))
    for w in weights[4 * length :]:
        found.append(w + found[-1] if found else w)
    return np.array(found)


def resample(weights: np.ndarray, scheme: str, seed: int, stream: int, tick: int) -> np.ndarray:
    n = len(weights)
    weights = weights.astype(np.float64)
    u = uniforms(n, seed, stream, tick)
    chosen: list[int] = []
    if scheme == "residual":
        total = 0.0
        for w in weights:
            total += w
        share = np.minimum(weights / total * n, n)
        copies = np.floor(share * (1 + 2.0**-50)).astype(int)
        chosen = np.repeat(np.arange(n), copies)[:n].tolist()
        weights = np.maximum(share - copies, 0)
    cumulative = running_sum(weights)
    last = int(np.flatnonzero(weights > 0)[-1]) if (weights > 0).any() else 0
    if scheme == "systematic":
        edges = np.ceil(np.minimum(cumulative * (n / cumulative[-1]) - u[0], n)).astype(int)
        begins = np.concatenate([[0], np.maximum(edges, 0)])
        return np.repeat(np.arange(n), np.diff(begins))[:n].astype(np.int32)
    if scheme == "stratified":
        points = (np.arange(n) + u) / n * cumulative[-1]
    else:
        points = u[: n - len(chosen)] * cumulative[-1]
    found = np.searchsorted(cumulative, points, side="right")
    return np.array([*chosen, *np.minimum(found, last)], np.int32)


class Particles:
    """hb_particles_*, with the arrays that the block holds."""

    def __init__(self, mean, prior, count, outputs, noise, factor, scheme="systematic",
                 threshold=0.5, degrees=0.0, seed=0, stream=0):  # fmt: skip
        self.d, self.count, self.outputs = len(mean), count, outputs
        self.padded = -(-count // LANES) * LANES
        self.scheme, self.threshold, self.degrees = scheme, threshold, degrees
        self.seed, self.stream, self.tick = seed, stream, 0
        self.centre = np.array(mean, np.float64)
        self.noise, self.factor = np.array(noise, np.float64), np.array(factor, F)
        self.x = np.zeros((self.d, self.padded), F)
        self.log_weights = np.zeros(self.padded, F)
        self.weights = np.zeros(self.padded, F)
        self.result = np.zeros(3 + 2 * outputs)
        self._move(np.array(prior, F), F(1))
        self._normalise()
        self._summarise()

    def _move(self, factor, scale):
        even = self.d + self.d % 2
        groups = -(-self.padded // (4 * LANES))
        z = normals(groups * even * LANES, self.seed, self.stream, self.tick)
        z = z[: groups * even * LANES].reshape(groups, even, LANES)
        quarter = np.stack([-z[:, 1::2], z[:, ::2]], axis=2).reshape(z.shape)
        shared = np.stack([z, quarter, -z, -quarter], axis=1)  # [groups, 4, states, lanes]
        z = shared.transpose(2, 0, 1, 3).reshape(even, -1)[:, : self.padded]
        for i in range(self.d):
            for j in range(i + 1):
                weight = factor[i, j] * scale
                if weight != 0:
                    self.x[i] = self.x[i] + weight * z[j]

    def _look(self, row):
        base = 0.0
        for i in range(self.d):
            base += row[i] * self.centre[i]
        seen = np.zeros(self.padded, F)
        for i in range(self.d):
            seen = seen + F(row[i]) * self.x[i]
        mean = lanes_sum(self.weights * seen)
        off = seen - mean
        return base, seen, mean, lanes_sum(self.weights * (off * off))

    def _normalise(self):
        self.log_weights[self.count :] = F(-3e38)
        value = self.log_weights - self.log_weights.max()
        value = np.where(value > F(-1e4), value, F(-1e4))
        weight = exp(value)
        self.log_weights = value
        total = lanes_sum(weight)
        self.result[0] = float(total) * float(total) / float(lanes_sum(weight * weight))
        self.weights = weight * (F(1) / total)

    def _summarise(self):
        self.offset = np.array([lanes_sum(self.weights * x) for x in self.x], F)
        self.mean = self.centre + self.offset.astype(np.float64)
        self.covariance = np.zeros((self.d, self.d))
        for i in range(self.d):
            along = self.weights * (self.x[i] - self.offset[i])
            for j in range(i + 1):
                value = float(lanes_sum(along * (self.x[j] - self.offset[j])))
                self.covariance[i, j] = self.covariance[j, i] = value

    def update(self, rows, measured, dt):
        self.tick += 1
        if dt > 0:
            self._move(self.factor, F(np.sqrt(dt)))
        far = F(1e15)
        for m in range(self.outputs):
            base, seen, mean, variance = self._look(rows[m])
            self.result[3 + m] = base + float(mean)
            self.result[3 + self.outputs + m] = np.sqrt(float(variance) + self.noise[m] ** 2)
            if np.isnan(measured[m]):
                continue
            start = F((measured[m] - self.result[3 + m]) / self.noise[m])
            start = np.clip(start, -far, far)
            off = np.clip((mean - seen) * F(1.0 / self.noise[m]), -far, far)
            if self.degrees > 0:
                v = F(self.degrees)
                z = start + off
                gain = F(-0.5) * (v + F(1)) * log(F(1) + z * z / v)
            else:
                gain = -(start + F(0.5) * off) * off
            self.log_weights = self.log_weights + gain
        self._normalise()
        self._summarise()
        self.result[2] = self.result[0] < self.d + 1
        self.result[1] = self.result[0] < self.threshold * self.count
        if self.result[1]:
            weights = self.weights[: self.count].astype(np.float64)
            chosen = resample(weights, self.scheme, self.seed, self.stream, self.tick)
            chosen = np.concatenate([chosen, np.zeros(self.padded - self.count, np.int32)])
            for i in range(self.d):
                self.x[i] = self.x[i][chosen] - self.offset[i]
                self.centre[i] += float(self.offset[i])
            self.log_weights = np.zeros(self.padded, F)
            self.weights = np.full(self.padded, F(1) / F(self.count), F)
            self.weights[self.count :] = 0


def kalman(mean, covariance, process, noise, rows, measured, dt):
    """The textbook's update of all rows at once; the predicted mean and sigma beside it."""
    covariance = covariance + dt * process
    noise = np.diag(np.square(noise))
    expected = rows @ mean
    spread = rows @ covariance @ rows.T + noise
    there = ~np.isnan(measured)
    h, s = rows[there], spread[np.ix_(there, there)]
    gain = np.linalg.solve(s, h @ covariance).T
    left = np.eye(len(mean)) - gain @ h
    after = left @ covariance @ left.T + gain @ noise[np.ix_(there, there)] @ gain.T
    mean = mean + gain @ (measured[there] - expected[there])
    return mean, after, expected, np.sqrt(np.diag(spread))
