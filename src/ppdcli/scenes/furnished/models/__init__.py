"""Textured models of real objects, read from Sweet Home 3D's libraries and packed into one file."""
