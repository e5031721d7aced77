"""Pictures from volumes and structures: flat slices on any plane with the needle drawn in, and surfaces in 3D."""
