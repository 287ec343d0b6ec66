"""Readers and writers of animation curve files."""
