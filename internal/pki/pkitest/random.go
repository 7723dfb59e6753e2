package pkitest

import "math/rand/v2"

// Random makes a case: a chain, mostly a good one but for a thing or two. Numbers
// of one source give one case.
func Random(r *rand.Rand) *Case {
	c := randomChain(r)
	if r.IntN(3) == 0 {
		randomNames(r, c)
	}
	if r.IntN(3) == 0 {
		randomLists(r, c)
	}
	return c
}
