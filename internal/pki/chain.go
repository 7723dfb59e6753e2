package pki

import (
	"bytes"
	"slices"
)

// build finds a chain. At each certificate it looks for the issuer among the
// roots first, and then among the peer's. Once it has found a root it looks
// nowhere else. A chain with one certificate more than the depth allows is too
// long, and is not made any longer.
func (c *check) build(peer []*certificate) {
	amongPeers := true
	for {
		last := c.certs[len(c.certs)-1]
		full := len(c.certs) > c.depth+1
		if !full && c.extendWithRoot(last) {
			amongPeers = false
			end := c.certs[len(c.certs)-1]
			c.trusted = c.trusts(end)
			if !c.trusted && !end.selfSigned {
				continue
			}
		}
		if !amongPeers || full || last.selfSigned {
			break
		}
		issuer := c.bestIssuer(peer, last, func(other *certificate) bool {
			return last.selfIssued && len(c.certs) == 1 || !slices.ContainsFunc(c.certs, other.equal)
		})
		if issuer == nil {
			break
		}
		c.certs = append(c.certs, issuer)
		c.untrusted++
		peer = slices.DeleteFunc(slices.Clone(peer), func(other *certificate) bool { return other == issuer })
	}
	c.judgeEnd()
}

// extendWithRoot looks for the issuer of the last certificate among the roots,
// and reports whether the chain ends in a root now. A self-signed certificate is
// its own issuer: it has to be among the roots itself. If another one is
// preferred there, which only has the same name, it counts as not found.
func (c *check) extendWithRoot(last *certificate) bool {
	root := c.bestIssuer(c.roots.of(last.issuer, c.Roots), last, func(*certificate) bool { return true })
	switch {
	case root == nil:
		return false
	case !last.selfSigned:
		c.certs = append(c.certs, root)
		return true
	case !last.equal(root):
		return false
	}
	c.untrusted = len(c.certs) - 1
	c.certs[c.untrusted] = root
	return true
}

// bestIssuer finds the first possible issuer of a certificate that is valid now,
// or else the one that was valid last. Nil: there is none.
func (c *check) bestIssuer(among []*certificate, cert *certificate, eligible func(*certificate) bool) (best *certificate) {
	for _, other := range among {
		switch {
		case !likelyIssued(other, cert), !eligible(other):
		case c.timely(other):
			return other
		case best == nil, other.NotAfter.After(best.NotAfter):
			best = other
		}
	}
	return best
}

// trusts reports whether a root ends the chain: a self-signed one does, unless
// there are settings that decide.
func (c *check) trusts(root *certificate) bool {
	switch c.said(root) {
	case accepted:
		return true
	case refused:
		c.fail(rejected)
		return false
	}
	return root.selfSigned
}

func (c *certificate) equal(other *certificate) bool { return bytes.Equal(c.Raw, other.Raw) }

// judgeEnd says what is wrong with a chain that does not end in a root. A
// failure that was found before stays, and of a chain that is too long OpenSSL
// says in the end what else is wrong with it.
func (c *check) judgeEnd() {
	if c.trusted || c.result != OK {
		return
	}
	n := len(c.certs)
	if n > c.depth+1 {
		c.fail(chainTooLong)
	}
	switch {
	case c.certs[n-1].selfSigned && n == 1:
		c.fail(selfSigned)
	case c.certs[n-1].selfSigned:
		c.fail(selfSignedInChain)
	case c.untrusted < n:
		c.fail(noIssuer)
	default:
		c.fail(noLocalIssuer)
	}
}
