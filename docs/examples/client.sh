#!/usr/bin/env bash
# Searches a running artsim app with curl: bash client.sh http://127.0.0.1:7860/ picture.jpg
set -euo pipefail
app=$1 picture=$2

# 1. Upload the picture; the answer is a list with its path.
path=$(curl -sf -F "files=@$picture" "${app}gradio_api/upload" | tr -d '[]"')

# 2. Ask; the answer is the id of an event.
asked='{"image": {"path": "'$path'", "meta": {"_type": "gradio.FileData"}}, "k": 3}'
event=$(curl -sf -H "Content-Type: application/json" -d "$asked" "${app}gradio_api/call/v2/search_by_image" | cut -d'"' -f4)

# 3. Fetch what became of it: "event: complete" and a line of JSON.
curl -sfN "${app}gradio_api/call/search_by_image/$event"
