"""Reads the decks of bench/fem for the peers that are Python libraries."""
import numpy as np


def read(path):
    """Nodes, elements, Young's modulus and Poisson's ratio of each element, and the sets."""
    nodes, cells, names, sets, moduli, part, name = [], [], [], {}, {}, "", ""
    for line in open(path):
        if line.startswith("*"):
            words = [w.strip() for w in line[1:].split(",")]
            part = words[0].upper()
            options = dict(w.split("=") for w in words[1:] if "=" in w)
            name = options.get("NSET" if part == "NSET" else "ELSET") or options.get("NAME") or name
            continue
        values = [v for v in line.replace(",", " ").split()]
        if part == "NODE":
            nodes.append([float(v) for v in values[1:]])
        elif part == "ELEMENT":
            cells.append([int(v) for v in values])
            names.append(name)
        elif part == "ELASTIC":
            moduli[name] = [float(v) for v in values]
        elif part == "NSET":
            sets.setdefault(name, []).append(int(values[0]) - 1)
        elif part == "ELSET" and name == "LUMEN":
            sets.setdefault(name, []).append(int(values[0]) - 1)
    cells = np.array(cells)
    order = np.argsort(cells[:, 0])
    elastic = np.array([moduli[n] for n in names])[order]
    return np.array(nodes), cells[order, 1:] - 1, elastic[:, 0], elastic[:, 1], sets


def pins(x, z):
    """Nodes of the ends and the three that hold the middle, with the components that they hold."""
    ends = np.flatnonzero((z == z.min()) | (z == z.max()))
    middle = np.flatnonzero(np.abs(z - 10) < 1e-9)
    outer = middle[np.abs(np.hypot(x[middle, 0], x[middle, 1]) - 2.6) < 1e-9]

    def at(px, py):
        return outer[np.argmin(np.hypot(x[outer, 0] - px, x[outer, 1] - py))]

    return [(2, ends), (1, np.array([at(2.6, 0), at(-2.6, 0)])), (0, np.array([at(0.1, 2.6)]))]
