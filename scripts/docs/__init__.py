"""What the documentation is made with: reference pages and diagrams from the code, outputs from the commands."""
