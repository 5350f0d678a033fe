"""Every exception class has a code of its own, for programs that read pages, answers of the API and logs."""

import pkgutil
from importlib import import_module

import pytest

import artsim
from artsim.errors import ArtsimError


@pytest.mark.slow  # imports everything
def test_every_exception_class_has_a_code_of_its_own() -> None:
    for module in pkgutil.walk_packages(artsim.__path__, "artsim."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    classes, pending = [], [ArtsimError]
    while pending:
        classes.append(pending.pop())
        pending += classes[-1].__subclasses__()
    ours = [kind for kind in classes if kind.__module__.startswith("artsim.")]
    assert len({kind.code for kind in ours}) == len(ours) > 7
