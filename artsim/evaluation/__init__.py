"""Evaluation of search quality: metrics by label, label-free statistics, comparison of settings, report.

evaluation = evaluate(open_collection("DIR"), Task(label="style", disjoint="artist"), Setting(ranking="tuned"))
print(evaluation.means()["map"])
"""

from artsim.evaluation.compare import Comparison, Difference, compare
from artsim.evaluation.full_ranking import Setting, likeness, rank_works
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import HEADLINE, METRICS, measure
from artsim.evaluation.neighbours import Neighbours, measure_neighbours
from artsim.evaluation.report import write_report
from artsim.evaluation.run import ClassFigures, Evaluation, Task, by_class, confusions, evaluate, macro_means
from artsim.evaluation.sheet import ask_encoders, save_sheet, search_sheet
from artsim.evaluation.tables import evaluate_settings

__all__ = [
    "HEADLINE",
    "METRICS",
    "ClassFigures",
    "Comparison",
    "Difference",
    "Evaluation",
    "Neighbours",
    "Setting",
    "Task",
    "ask_encoders",
    "bootstrap_intervals",
    "by_class",
    "compare",
    "confusions",
    "evaluate",
    "evaluate_settings",
    "likeness",
    "macro_means",
    "measure",
    "measure_neighbours",
    "rank_works",
    "save_sheet",
    "search_sheet",
    "write_report",
]
