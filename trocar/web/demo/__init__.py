"""Sample cases at every stage, made the way people make them: page by page, through the same forms."""
