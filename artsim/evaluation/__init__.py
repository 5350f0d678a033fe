"""Evaluation of search quality: metrics by label, label-free statistics, comparison of settings, report.

evaluation = evaluate(open_collection("DIR"), Task(label="style", disjoint="artist"), Setting(ranking="tuned"))
print(evaluation.means()["map"])
"""

from artsim.evaluation.compare import Comparison, Difference, compare
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import HEADLINE, METRICS, measure
from artsim.evaluation.neighbours import Neighbours, measure_neighbours
from artsim.evaluation.ranking import Setting, rank_works
from artsim.evaluation.relevance import Relevance
from artsim.evaluation.run import ClassFigures, Evaluation, Task, by_class, evaluate, evaluate_settings, macro_means

__all__ = [
    "HEADLINE",
    "METRICS",
    "ClassFigures",
    "Comparison",
    "Difference",
    "Evaluation",
    "Neighbours",
    "Relevance",
    "Setting",
    "Task",
    "bootstrap_intervals",
    "by_class",
    "compare",
    "evaluate",
    "evaluate_settings",
    "macro_means",
    "measure",
    "measure_neighbours",
    "rank_works",
]
