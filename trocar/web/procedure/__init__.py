"""In the room: checklist, procedure record and radiation."""
