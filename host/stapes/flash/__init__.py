"""Building a firmware and getting it onto a board."""
