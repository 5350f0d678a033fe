"""The web app: Gradio handles events and controls; pictures, cards and dialogs are artsim's own HTML.

`startup` opens or builds the collection, `interface` lays out the page, `launch` serves it with its background tasks.
"""
