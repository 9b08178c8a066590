"""The serving half of the contract: `serve` (contract section 2)."""
