"""Experiments that run as scripts. They are not part of the package."""
