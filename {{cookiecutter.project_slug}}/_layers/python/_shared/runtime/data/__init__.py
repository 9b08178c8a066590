"""Texts and bytes to tables and arrays, and back: the same for channels and for requests."""
