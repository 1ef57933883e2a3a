"""Textured models of real things, read from Sweet Home 3D's libraries and packed into one file."""
