"""Scenes of simple shapes, rendered without any model from elsewhere."""
