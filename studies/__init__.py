"""Experiments that are run as scripts; they are not part of the package."""
