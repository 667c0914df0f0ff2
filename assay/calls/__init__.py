"""Requests to providers: asked within caps, journalled before they are sent, and never paid for twice."""
