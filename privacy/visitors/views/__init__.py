"""Pages about cookies for everybody, and about visits for the clinic."""
