"""One sitting of work from files to files: what both the command line and the web application run."""
