"""How much the product costs, as ratios to a minimal job that is measured in the same run."""
