"""This algorithm on SageMaker: `python -m cloud ACTION`, or the cloud-… targets of the Makefile.

`settings` reads sagemaker.toml. `requests` makes AWS's requests of it, and `service_model` checks them against AWS's
limits; neither uses the network. `aws` sends them, or shows them in a dry run. `data` uploads, `follow` shows
how long work goes on; `actions` has what a user can do.
"""
