"""Furnished places: rooms, tables, streets, gardens."""
