"""Searches a running artsim app, with Gradio's client for Python: pip install gradio_client

python client.py http://127.0.0.1:7860/ picture.jpg
"""

import sys

from gradio_client import Client, handle_file

address, picture = sys.argv[1:]
client = Client(address, verbose=False)

matches = client.predict(image=handle_file(picture), k=3, api_name="/search_by_image")
for match in matches:
    print(f"{match['rank']}. {match['title']} ({match['artist']}, {match['year']}): {match['word']}")

similar = client.predict(work=matches[0]["id"], k=3, api_name="/search_by_work")
print("Works like the first:", ", ".join(match["title"] for match in similar))

later = client.predict(
    image=handle_file(picture),
    k=3,
    preset="style",
    where={"year": {"from": 1800}},
    at_most={"artist": 1},
    api_name="/search_combined",
)
print("In style, from 1800 on:", ", ".join(match["title"] for match in later))

work = client.predict(work=matches[0]["id"], api_name="/describe_work")
print(f"{work['title']}: {work['width']} x {work['height']} pixels, {work['license']}, {address}{work['thumbnail']}")

named = client.predict(text=matches[0]["artist"], k=3, api_name="/search_by_text")
print(f"By {matches[0]['artist']}:", ", ".join(match["title"] for match in named if match["found_by"] == "label"))

suggestions = client.predict(text=matches[0]["artist"][:3], limit=3, api_name="/suggest")
print("Suggestions:", ", ".join(f"{suggestion['text']} ({suggestion['works']})" for suggestion in suggestions))
