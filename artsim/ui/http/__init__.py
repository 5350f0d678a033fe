"""Routes, request limits, health, metrics and logs."""
