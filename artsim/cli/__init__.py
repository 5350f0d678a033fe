"""The commands of `artsim`: one module each, with its help, its options and what it does. `main` lists them."""
