"""Files and folders: atomic writes and cache folders."""
