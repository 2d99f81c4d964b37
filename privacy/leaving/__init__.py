"""The end of the relationship: the account closes for good, and nothing is mailed again (P28)."""
