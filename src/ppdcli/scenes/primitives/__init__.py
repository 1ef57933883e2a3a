"""Scenes of simple shapes, rendered without external models."""
