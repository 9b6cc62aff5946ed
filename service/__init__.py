"""What both apps share as running services; nothing here is about organizations."""
