"""Uses the MCP tools of a running artsim app, as an assistant would: pip install "mcp>=1.20,<2"

python mcp_client.py http://127.0.0.1:7860/ picture.jpg
"""

import asyncio
import base64
import json
import sys
from pathlib import Path

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(address: str, picture: Path) -> None:
    async with (
        streamable_http_client(f"{address}gradio_api/mcp/") as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = await session.list_tools()
        print("Tools:", ", ".join(tool.name for tool in tools.tools))

        image = base64.b64encode(picture.read_bytes()).decode()
        answer = await session.call_tool("search_by_image", {"image": image, "k": 3})
        matches = json.loads(answer.content[0].text)
        for match in matches:
            print(f"{match['rank']}. {match['title']} ({match['artist']}, {match['year']}): {match['word']}")

        answer = await session.call_tool("describe_work", {"work": matches[0]["id"]})
        work, shown = json.loads(answer.content[0].text), answer.content[1]
        print(f"{work['title']}: {work['license']}, {shown.mimeType}, {len(base64.b64decode(shown.data))} bytes")

        answer = await session.call_tool("search_by_text", {"text": matches[0]["artist"], "k": 3})
        named = json.loads(answer.content[0].text)
        print(f"By {matches[0]['artist']}:", ", ".join(match["title"] for match in named))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
