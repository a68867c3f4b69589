// Assembly files let Go compile functions without a body, as go:linkname needs.
