"""Rendered scenes with exact depth, for training and evaluation."""
