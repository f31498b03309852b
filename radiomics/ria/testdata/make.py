"""Writes ria_numpy.csv: the set of docs/theory/ria.md for one small lesion,
computed cell by cell with NumPy and SciPy. Run in a folder with both."""
import csv, itertools, math
import numpy as np
from scipy import stats

rng = np.random.default_rng(3)
k, j, i = np.mgrid[0:7, 0:9, 0:11]
values = np.round(80 + 60 * np.sin(i / 2.0) * np.cos(j / 3.0 + k) + 25 * rng.standard_normal(i.shape))
mask = ((i - 5) / 5.2) ** 2 + ((j - 4) / 3.9) ** 2 + ((k - 3) / 2.8) ** 2 <= 1
mask &= ~(((i - 6) / 2.0) ** 2 + ((j - 4) / 1.6) ** 2 <= 1)
spacing = (0.4, 0.4, 0.5)  # i, j, k
x = values[mask]
out = []

def numbers(v):
    q = np.quantile(v, [.25, .5, .75]); dec = np.quantile(v, np.arange(1, 10) / 10)
    u, c = np.unique(v, return_counts=True); p = c / c.sum()
    one = np.where(v == 0, 1, v); iqr = q[2] - q[0]; mean = v.mean()
    shifted = v - v.min() + 1 if v.min() <= 0 else v
    sd = v.std(ddof=1)
    return [mean, q[1], u[np.argmax(c)], stats.gmean(np.abs(one)), math.exp((np.sign(one) * np.log(np.abs(one))).mean()),
            stats.gmean(shifted), 1 / (1 / one).mean()] + [stats.trim_mean(v, t) for t in (.025, .05, .1, .25)] + [
            (q[0] + 2 * q[1] + q[2]) / 4, np.abs(v - mean).mean(), np.abs(v - q[1]).mean(), np.median(np.abs(v - mean)),
            stats.median_abs_deviation(v), stats.median_abs_deviation(v, scale="normal"), np.abs(v - mean).max(), np.abs(v - q[1]).max(),
            math.sqrt((v ** 2).mean()), v.min(), v.max(), q[0], q[2], iqr, q[0] - 1.5 * iqr, q[2] + 1.5 * iqr, np.ptp(v)] + list(dec) + [
            v.var(ddof=1), sd, ((v - mean) ** 3).mean() / sd ** 3, ((v - mean) ** 4).mean() / sd ** 4 - 3, (v ** 2).sum(), (p ** 2).sum(), -(p * np.log2(p)).sum()]

def geometry(part, whole):
    def surface(m):
        m = np.pad(m, 1); a = 0
        for axis, area in ((0, spacing[0] * spacing[1]), (1, spacing[0] * spacing[2]), (2, spacing[1] * spacing[2])):
            a += (np.diff(m.astype(int), axis=axis) != 0).sum() * area
        return a
    n = part.sum(); v = n * np.prod(spacing); s = surface(part)
    if n == 0:
        return [0, 0, 0, 0] + [math.nan] * 8
    idx = np.argwhere(whole); lo = idx.min(0); edge = (np.ptp(idx, axis=0) + 1).max(); m = math.ceil(math.log2(edge))
    pts = np.argwhere(part) - lo; rows = []
    for scale in range(m + 1):
        _, c = np.unique(pts // 2 ** (m - scale), axis=0, return_counts=True); p = c / n
        rows.append((scale, math.log2(len(c)), -(p * np.log2(p)).sum(), math.log2((p ** 2).sum())))
    rows = np.array(rows); slope = lambda y: np.polyfit(rows[:, 0], y, 1)[0]
    return [v, n / whole.sum(), s, s / surface(whole), s / v, v / (math.sqrt(math.pi) * s ** (2 / 3)), 36 * math.pi * v ** 2 / s ** 3,
            s / (4 * math.pi * (3 * v / (4 * math.pi)) ** (2 / 3)), (6 * v) ** (2 / 3) * math.pi ** (1 / 3) / s,
            slope(rows[:, 1]), slope(rows[:, 2]), -slope(rows[:, 3])]

steps = [d for d in itertools.product((-1, 0, 1), repeat=3) if d > (0, 0, 0)]

def pairs(lev, n):
    all_ = []
    for d in steps:
        p = np.zeros((n, n))
        for a in np.argwhere(lev > 0):
            b = a + d
            if (b >= 0).all() and (b < lev.shape).all() and lev[tuple(b)] > 0:
                p[lev[tuple(a)] - 1, lev[tuple(b)] - 1] += 1
        if p.sum():
            p = p + p.T; all_.append(statistics(p / p.sum()))
    return np.nanmean(all_, axis=0)

def statistics(p):
    n = len(p); I, J = np.mgrid[1:n + 1, 1:n + 1]; off = I != J
    e = np.where(p > 0, -p * np.log2(np.where(p > 0, p, 1)), 0); phi = (p, p ** 2, e); r = []
    def add(w, nd):
        r.extend((w * f).sum() for f in phi)
        if nd: r.extend((w * f)[off].sum() for f in phi)
    d = abs(I - J)
    add(d ** 2, 0); add(1 / (1 + d ** 2), 1); add(d, 0); add(1 / (1 + d), 1); add(d ** 2 / n ** 2, 0); add(1 / (1 + d ** 2 / n ** 2), 1)
    add(d / n, 0); add(1 / (1 + d / n), 1); add(I * J, 1); add(1 / (I * J), 1)
    lv = np.arange(1, n + 1); sd = lv.std(ddof=1)
    mus = [lv.mean(), 1, lv[:math.ceil(n / 2)].mean(), lv[n // 2:].mean(), n]
    g = [np.exp(-((I - m) ** 2 + (J - m) ** 2) / (2 * sd ** 2)) for m in mus]
    for w in g: add(w, 1)
    for w in g: add(1 / w, 1)
    add(g[2] + g[3], 1); add(1 / g[2] + 1 / g[3], 1); add(g[1] + g[4], 1); add(1 / g[1] + 1 / g[4], 1)
    mu = (I * p).sum()
    for power in (4, 3, 2, 1):
        w = abs(I + J - 2 * mu) ** power
        add(w, 1)
        with np.errstate(divide="ignore"): add(np.where(w > 1e-12, 1 / w, 0), 1)
    r.extend((I * f).sum() for f in phi)
    var = [(((I - (I * f).sum()) ** 2) * f).sum() for f in phi]; r.extend(var)
    r.extend(((I - (I * f).sum()) * (J - (I * f).sum()) * f).sum() / v if v else math.nan for f, v in zip(phi, var))
    H = lambda q: -(q[q > 0] * np.log2(q[q > 0])).sum()
    S = np.array([p[I + J == s].sum() for s in range(2, 2 * n + 1)]); s = np.arange(2, 2 * n + 1)
    D = np.array([p[d == t].sum() for t in range(n)]); t = np.arange(n)
    for q, v in ((S, s), (D, t)):
        r.extend([(v * q).sum(), (v * q ** 2).sum(), H(q), ((v - H(q)) ** 2 * q).sum()])
    for q, v in ((S, s), (D, t)):
        k = v > 0; h = v != H(q)
        r.extend([(q[k] / v[k]).sum(), (q[k] ** 2 / v[k]).sum(), (q[h] / (v[h] - H(q)) ** 2).sum()])
    m = p.sum(0); hxy = H(p.ravel()); outer = np.outer(m, m); hx = H(m)
    hxy1 = -(p[p > 0] * np.log2(outer[p > 0])).sum(); hxy2 = -(outer[outer > 0] * np.log2(outer[outer > 0])).sum()
    r.extend([(hxy - hxy1) / hx if hx else math.nan, math.sqrt(max(0, 1 - math.exp(-2 * (hxy2 - hxy)))), (p ** 2).sum(), hxy])
    c = numbers(np.sort(p.ravel()))
    r.extend(c[:22] + [(c[22] + c[23]) / 2] + c[24:28] + [np.mean(c[28:37])] + c[37:41] + [c[42]])
    return r

def runs(lev, n):
    all_ = []
    for d in steps:
        found = []
        for a in np.argwhere(lev > 0):
            inside = lambda b: (b >= 0).all() and (b < lev.shape).all() and lev[tuple(b)] == lev[tuple(a)]
            if inside(a - d): continue
            l = 1
            while inside(a + l * np.array(d)): l += 1
            found.append((lev[tuple(a)], l))
        f = np.array(found, float); g, l = f[:, 0], f[:, 1]; N = len(f)
        cnt = lambda y: (np.unique(y, return_counts=True)[1] ** 2).sum() / N
        all_.append([(1 / l ** 2).mean(), (l ** 2).mean(), cnt(g), cnt(l), N / (lev > 0).sum(), (1 / g ** 2).mean(), (g ** 2).mean(),
                     (1 / (l * g) ** 2).mean(), ((l * g) ** 2).mean(), (g ** 2 / l ** 2).mean(), (l ** 2 / g ** 2).mean()])
    return np.mean(all_, axis=0)

out += numbers(x)
out += geometry(mask, mask)
levels = []
for kind in ("ew", "ep"):
    for n in (7, 12):
        lev = np.zeros(mask.shape, int)
        if kind == "ew":
            lev[mask] = np.minimum(np.floor(n * ((x - x.min()) / np.ptp(x))) + 1, n)
        else:
            lev[mask] = 1 + np.searchsorted(np.quantile(x, np.arange(1, n) / n), x, side="right")
        levels.append((lev, n))
for lev, n in levels:
    out += list(pairs(lev, n)) + list(runs(lev, n))
for lev, n in levels:
    for l in range(1, n + 1):
        out += geometry(lev == l, mask)
with open("ria_numpy.csv", "w") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["what", "i", "j", "k", "value"])
    for a in np.argwhere(mask):
        w.writerow(["voxel", a[2], a[1], a[0], int(values[tuple(a)])])
    for v in out:
        w.writerow(["value", "", "", "", "" if math.isnan(v) else repr(float(v))])
print(mask.sum(), len(out))
