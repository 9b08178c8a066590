"""Where `make local-sagemaker` answers, and what it has from its start; its clients read it here, too."""

PORT = 8181
REGION = "eu-west-1"  # of clients that name none
ACCOUNT = "123456789012"  # moto's
NAME = "local-sagemaker"  # of the role and of the bucket
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}  # any will do
