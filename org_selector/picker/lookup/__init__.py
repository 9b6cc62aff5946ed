"""What the picker looks up about one choice before it signs it."""
