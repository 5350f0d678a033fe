"""The National Gallery of Art's open data, prepared as a folder of labelled pictures.

`open_data` reads and joins the museum's CSV files, `pictures` fetches and checks the pictures over `artsim.web.http`, and
`preparation` combines the two. `artsim prepare-nga` is the command; `source` opens its output as `nga:PATH`.
"""
