"""The app in the browser: Gradio carries events and controls; pictures, cards and dialogs are our own HTML.

`startup` opens or builds the collection, `interface` lays out the page (one module per tab), `serve` puts it on a port.
"""
