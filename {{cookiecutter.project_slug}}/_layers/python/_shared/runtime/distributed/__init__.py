"""Training on several hosts and GPUs (contract T16, T42)."""
