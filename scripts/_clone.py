"""Makes a clone work uninstalled: the folder above this one holds the package."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
