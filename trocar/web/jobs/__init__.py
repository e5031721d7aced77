"""Long work outside of requests: asked for by a person, done by a worker, shown while it goes on."""
