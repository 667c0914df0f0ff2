"""Chat templates rendered in a process of their own, and what a template asks about what it is given."""
