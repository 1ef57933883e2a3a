"""Textured models of real things: read from Sweet Home 3D's libraries, kept in one packed file."""
