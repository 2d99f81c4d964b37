"""The public pages and the parts that every page is made of."""
