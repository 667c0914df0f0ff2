"""Decisions of people about records: what each is about, where it is kept, and what all of them say of a set."""
