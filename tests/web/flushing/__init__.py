"""A Django app of the tests only: it lets a test that commits be cleaned up after."""
