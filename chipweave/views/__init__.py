"""What people see of a system: descriptions, drawings, file types, skeletons."""
