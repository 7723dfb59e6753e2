package pkitest

import "math/rand/v2"

// randomNames gives certificates names, and authorities constraints on names.
func randomNames(r *rand.Rand, c *Case) { _, _ = r, c }
