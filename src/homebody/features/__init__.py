"""The gallery: real features, one folder each, built with nothing but the public API."""
