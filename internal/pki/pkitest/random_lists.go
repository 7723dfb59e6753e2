package pkitest

import "math/rand/v2"

// randomLists adds revocation lists.
func randomLists(r *rand.Rand, c *Case) { _, _ = r, c }
