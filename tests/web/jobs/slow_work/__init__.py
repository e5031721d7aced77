"""Work that takes as long as a test wants, in a real worker process."""
