"""What pages and playgrounds are made of: UI only, no torch."""
