"""Files and folders: atomic writes, locks, cache folders."""
