"""What the evaluation's scenes are made of: whoever changes a number here changes the benchmark.

Training draws from these too.
"""
