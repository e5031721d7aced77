"""The pages of plans; each test has a data folder of its own."""
