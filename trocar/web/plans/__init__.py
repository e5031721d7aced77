"""Plans in the browser: the list, a plan with its pictures, and its files."""
