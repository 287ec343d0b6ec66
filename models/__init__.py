"""Training of Soliloquy's models (torch). Nothing here is needed to run them, or shipped with the extension."""
