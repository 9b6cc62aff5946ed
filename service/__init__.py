"""What both apps share as running services. It knows nothing of organizations."""
