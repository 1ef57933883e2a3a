"""Cameras of other programs' files: ``camera_file`` is the way in, ``table`` lists the formats."""
