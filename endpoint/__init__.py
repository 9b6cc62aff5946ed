"""How a JSON endpoint of ours reads, refuses, pages and documents itself."""
