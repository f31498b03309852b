"""Solves a deck of bench/fem with scikit-fem and pyamg, and prints what it took.

    python peer_skfem.py vessel.inp
"""
import sys
import time

import numpy as np
import pyamg
import scipy.sparse.linalg as sla
from skfem import Basis, BilinearForm, ElementHex1, ElementVector, FacetBasis, LinearForm, MeshHex, condense
from skfem.helpers import ddot, dot, eye, sym_grad, trace

from vessel import pins, read

start = time.time()
x, cells, young, nu, sets = read(sys.argv[1])
# Corners in the order of scikit-fem.
mesh = MeshHex(x.T, cells[:, [0, 1, 3, 4, 2, 5, 7, 6]].T, sort_t=False)
basis = Basis(mesh, ElementVector(ElementHex1()), intorder=2)
ones = np.ones((1, basis.dx.shape[1]))
lam = (young * nu / ((1 + nu) * (1 - 2 * nu)))[:, None] * ones
mu = (young / (2 * (1 + nu)))[:, None] * ones


@BilinearForm
def stiffness(u, v, w):
    e = sym_grad(u)
    return ddot(w.lam * eye(trace(e), 3) + 2 * w.mu * e, sym_grad(v))


K = stiffness.assemble(basis, lam=lam, mu=mu)
z = mesh.p[2]
lumen = mesh.facets_satisfying(lambda p: np.abs(np.hypot(p[0] - 0.1, p[1]) - 1.5) < 0.02, boundaries_only=True)


@LinearForm
def pressure(v, w):
    return -16.0 * dot(w.n, v)


f = pressure.assemble(FacetBasis(mesh, ElementVector(ElementHex1()), facets=lumen, intorder=2))
dofs = basis.nodal_dofs
fixed = np.concatenate([dofs[axis, nodes] for axis, nodes in pins(x, z)])
n = K.shape[0]
B = np.zeros((n, 6))
c = x - x.mean(axis=0)
for i in range(3):
    B[dofs[i], i] = 1
B[dofs[1], 3], B[dofs[2], 3] = -c[:, 2], c[:, 1]
B[dofs[0], 4], B[dofs[2], 4] = c[:, 2], -c[:, 0]
B[dofs[0], 5], B[dofs[1], 5] = -c[:, 1], c[:, 0]
free = np.setdiff1d(np.arange(n), fixed)
A, b = K[free][:, free].tocsr(), f[free]
assembled = time.time()
ml = pyamg.smoothed_aggregation_solver(A, B[free], strength=("symmetric", {"theta": 0.02}))
residuals = []
u = np.zeros(n)
u[free] = ml.solve(b, tol=1e-8, accel="cg", maxiter=500, residuals=residuals)
true = np.linalg.norm(b - A @ u[free]) / np.linalg.norm(b)
print(f"{n} unknowns: {len(residuals) - 1} iterations, residual {true:.1e}, assembly {assembled - start:.1f} s, "
      f"solution {time.time() - assembled:.1f} s, largest displacement {np.sqrt((u[dofs] ** 2).sum(axis=0)).max():.6f} mm")
