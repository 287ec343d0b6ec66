"""Training of Soliloquy's models (torch); not needed to run them, and not in the extension zip."""
