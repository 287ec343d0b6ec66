"""The explicit memory: what the mouth looked like, by its shape; built, looked up, drawn."""
