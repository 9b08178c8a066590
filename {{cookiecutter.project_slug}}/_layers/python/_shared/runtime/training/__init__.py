"""The training half of the contract: `train` (contract section 1)."""
