"""Reads camera files of other programs. Start in ``camera_file``; ``table`` lists the formats."""
