"""Searches a running artsim app, with Gradio's client for Python: pip install gradio_client

python client.py http://127.0.0.1:7860/ picture.jpg
"""

import sys

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

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

try:
    client.predict(text="a storm at sea", k=3, api_name="/search_by_text")
except AppError as error:  # the encoder of this collection may know pictures only
    print("No search by text:", error)
