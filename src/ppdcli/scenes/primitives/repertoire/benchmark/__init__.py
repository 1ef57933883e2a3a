"""The scenes of the evaluation: a change of any number here changes the benchmark.

Training also uses these families.
"""
