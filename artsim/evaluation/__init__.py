"""Evaluation of search quality: metrics by label, label-free statistics, comparison of settings, report.

evaluation = evaluate(open_collection("DIR"), Task(label="style", disjoint="artist"), Setting(ranking="tuned"))
print(evaluation.means()["map"])
"""

from artsim.evaluation.compare import compare
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import HEADLINE, METRICS
from artsim.evaluation.neighbours import measure_neighbours
from artsim.evaluation.ranking import Setting
from artsim.evaluation.run import Evaluation, Task, by_class, evaluate, evaluate_settings, macro_means
from artsim.evaluation.suggested_weights import SuggestedWeights, suggest_weights

__all__ = [
    "HEADLINE",
    "METRICS",
    "Evaluation",
    "Setting",
    "SuggestedWeights",
    "Task",
    "bootstrap_intervals",
    "by_class",
    "compare",
    "evaluate",
    "evaluate_settings",
    "macro_means",
    "measure_neighbours",
    "suggest_weights",
]
