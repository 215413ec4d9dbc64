"""hftbacktest as a venue: its C ABI, its bugs and their cures, behind the port."""
