"""The National Gallery of Art's open data, made into a folder of labelled pictures.

`tables` reads and joins the museum's CSV files, `web` speaks HTTP politely, `iiif` fetches and checks the pictures,
and `prepare` puts the three together. `scripts/prepare_nga.py` is the command; the source `nga:PATH` reads what it
writes.
"""
