"""Everything that overrides Gradio's inside."""
