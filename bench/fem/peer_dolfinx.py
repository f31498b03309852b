"""Solves a deck of bench/fem with dolfinx and PETSc's CG with GAMG, and prints what it took.

    python3 peer_dolfinx.py vessel.inp
"""
import sys
import time

import numpy as np
import ufl
from dolfinx import fem, mesh
from mpi4py import MPI
from petsc4py import PETSc

from vessel import pins, read

start = time.time()
x, cells, young, nu, sets = read(sys.argv[1])
comm = MPI.COMM_WORLD
element = ufl.VectorElement("Lagrange", ufl.hexahedron, 1)
# Corners in the order of the tensor product.
domain = mesh.create_mesh(comm, cells[:, [0, 1, 3, 2, 4, 5, 7, 6]].astype(np.int64), x, ufl.Mesh(element))
V = fem.VectorFunctionSpace(domain, ("Lagrange", 1))
Q = fem.FunctionSpace(domain, ("DG", 0))
E, n = fem.Function(Q), fem.Function(Q)
order = np.asarray(domain.topology.original_cell_index)
E.x.array[:], n.x.array[:] = young[order], nu[order]
lam, mu = E * n / ((1 + n) * (1 - 2 * n)), E / (2 * (1 + n))
u, v = ufl.TrialFunction(V), ufl.TestFunction(V)


def sigma(w):
    e = ufl.sym(ufl.grad(w))
    return lam * ufl.tr(e) * ufl.Identity(3) + 2 * mu * e


lumen = mesh.locate_entities_boundary(domain, 2, lambda p: np.abs(np.hypot(p[0] - 0.1, p[1]) - 1.5) < 0.02)
tags = mesh.meshtags(domain, 2, np.sort(lumen), np.ones(len(lumen), dtype=np.int32))
dx = ufl.dx(metadata={"quadrature_degree": 2})
ds = ufl.ds(domain=domain, subdomain_data=tags, metadata={"quadrature_degree": 2})
a = fem.form(ufl.inner(sigma(u), ufl.sym(ufl.grad(v))) * dx)
L = fem.form(-16.0 * ufl.dot(ufl.FacetNormal(domain), v) * ds(1))
bs, places = V.dofmap.index_map_bs, V.tabulate_dof_coordinates()
bcs = []
for axis, nodes in pins(x, x[:, 2]):
    if axis == 2:
        near = np.flatnonzero((places[:, 2] < 1e-9) | (places[:, 2] > x[:, 2].max() - 1e-9))
    else:
        near = np.array([np.argmin(np.linalg.norm(places - x[n], axis=1)) for n in nodes])
    bcs.append(fem.dirichletbc(PETSc.ScalarType(0), (bs * near + axis).astype(np.int32), V.sub(axis)))
A = fem.petsc.assemble_matrix(a, bcs=bcs)
A.assemble()
b = fem.petsc.assemble_vector(L)
fem.petsc.apply_lifting(b, [a], bcs=[bcs])
fem.petsc.set_bc(b, bcs)
coordinates = PETSc.Vec().createWithArray(places[:, :3].flatten(), bsize=3)
A.setNearNullSpace(PETSc.NullSpace().createRigidBody(coordinates))
A.setOption(PETSc.Mat.Option.SYMMETRIC, True)
assembled = time.time()
options = PETSc.Options()
for key, value in {"ksp_type": "cg", "pc_type": "gamg", "ksp_rtol": 1e-8, "ksp_norm_type": "unpreconditioned",
                   "mg_levels_ksp_type": "chebyshev", "mg_levels_pc_type": "jacobi", "mg_levels_ksp_chebyshev_esteig_steps": 20,
                   "pc_gamg_threshold": 0.02}.items():
    options[key] = value
ksp = PETSc.KSP().create(comm)
ksp.setOperators(A)
ksp.setFromOptions()
w = fem.Function(V)
ksp.solve(b, w.vector)
r = b.duplicate()
A.mult(w.vector, r)
r.aypx(-1, b)
largest = np.sqrt((w.x.array.reshape(-1, 3) ** 2).sum(axis=1)).max()
print(f"{3 * len(x)} unknowns: {ksp.getIterationNumber()} iterations, residual {r.norm() / b.norm():.1e}, assembly {assembled - start:.1f} s, "
      f"solution {time.time() - assembled:.1f} s, largest displacement {largest:.6f} mm")
