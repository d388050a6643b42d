from __future__ import annotations

import numpy as np

from workbench.measures.hierarchy import hop_distances, mistake_heights, path_matrix

PATHS = path_matrix([("animal", "pet"), ("animal", "pet"), ("animal", "wild"), ("thing",)])


def test_heights_of_mistakes():
    truth = np.array([0, 0, 0, 0, 3])
    predicted = np.array([0, 1, 2, 3, 0])
    assert mistake_heights(PATHS, truth, predicted).tolist() == [0, 1, 2, 3, 2]


def test_hops_are_those_of_a_graph():
    import networkx as nx

    graph = nx.Graph([("root", "animal"), ("root", "thing"), ("animal", "pet"), ("animal", "wild")])
    graph.add_edges_from([("pet", 0), ("pet", 1), ("wild", 2), ("thing", 3)])
    want = [[nx.shortest_path_length(graph, a, b) for b in range(4)] for a in range(4)]
    assert hop_distances(PATHS).tolist() == want


def test_names_under_other_parents_are_other_nodes():
    paths = path_matrix([("a", "x"), ("b", "x")])
    assert mistake_heights(paths, np.array([0]), np.array([1])).tolist() == [3]


def test_no_hierarchy_at_all():
    assert mistake_heights(path_matrix([(), ()]), np.array([0, 1]), np.array([1, 1])).tolist() == [
        1,
        0,
    ]
