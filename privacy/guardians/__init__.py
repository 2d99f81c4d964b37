"""What a parent or guardian may ask about a child's record: to see it, to have it deleted, to stop its use (P47)."""
