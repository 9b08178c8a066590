"""The Amazon SageMaker contract for a Python algorithm: `train` and `serve`.

`training.py` and `serving.py` are the two programs; everything else is one part of the contract each.
You need not read any of it to write an algorithm: edit `algorithm.py`.
"""
