"""The dataset card: what `README.md` of a collection says, on the Hub and on disk."""

from __future__ import annotations

import json

from artsim.contents import Contents
from artsim.manifest import Manifest

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(manifest: Manifest, contents: Contents) -> str:
    """Markdown with the front matter that the Hub reads."""
    size = next((name for limit, name in _SIZES if manifest.rows < limit), "1M<n<10M")
    space = manifest.spaces[0]
    columns = ", ".join(f"`{name}`" for name in contents.schema)
    return f"""---
pretty_name: {json.dumps(manifest.title, ensure_ascii=False)}
license: {manifest.license}
tags: [art, image-similarity, faiss, artsim]
task_categories: [image-feature-extraction]
size_categories: [{size}]
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---

# {manifest.title}

{manifest.source.get("description", "")}

{manifest.rows:,} works with their vectors and a FAISS index, made by artsim with the encoder `{space.encoder}`
(revision `{space.revision}`). Columns: {columns}.

```python
import artsim

collection = artsim.open_collection("PATH_OR_HUB_ID")
for match in collection.search(image="my-picture.jpg", k=5):
    print(match.rank, match.work["title"], f"{{match.percentile:.1f}} %")
```
"""
