"""Query to matches: query vectors, engine, ranking, fusion."""
