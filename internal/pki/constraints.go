package pki

// constraints.go - the extension nameConstraints: RFC 5280, section 4.2.1.10.

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// constraints say which names the certificates below an authority may have.
type constraints struct{ permitted, excluded []subtree }

// subtree is a name with all that is below it.
type subtree struct {
	base    generalName
	bounded bool // it has a minimum or a maximum, which nobody supports
}

// readNameConstraints reads nameConstraints.
func (e *extensions) readNameConstraints(value cryptobyte.String) bool {
	var lists, permitted, excluded cryptobyte.String
	if !value.ReadASN1(&lists, asn1.SEQUENCE) ||
		!lists.ReadOptionalASN1(&permitted, nil, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!lists.ReadOptionalASN1(&excluded, nil, asn1.Tag(1).ContextSpecific().Constructed()) || !lists.Empty() {
		return false
	}
	e.limits = new(constraints)
	var ok, okToo bool
	e.limits.permitted, ok = readSubtrees(permitted)
	e.limits.excluded, okToo = readSubtrees(excluded)
	return ok && okToo
}

func readSubtrees(list cryptobyte.String) (trees []subtree, ok bool) {
	for !list.Empty() {
		var tree cryptobyte.String
		if !list.ReadASN1(&tree, asn1.SEQUENCE) {
			return nil, false
		}
		var t subtree
		if t.base, ok = readGeneralName(&tree); !ok {
			return nil, false
		}
		if t.bounded, ok = readBounds(tree); !ok {
			return nil, false
		}
		trees = append(trees, t)
	}
	return trees, true
}

// readBounds reads the minimum and the maximum of a subtree, and reports whether
// they bound it: a minimum of 0 does not.
func readBounds(input cryptobyte.String) (bounded, ok bool) {
	for n := range asn1.Tag(2) {
		var bound cryptobyte.String
		var present bool
		if !input.ReadOptionalASN1(&bound, &present, n.ContextSpecific()) {
			return false, false
		}
		if !present {
			continue
		}
		number, ok := readInteger(bound)
		if !ok {
			return false, false
		}
		bounded = bounded || n == 1 || number.Sign() != 0
	}
	return bounded, input.Empty()
}

// check returns what is wrong with a name.
func (c *constraints) check(name generalName) Result {
	if name.flaw != OK {
		return name.flaw
	}
	permitted, found := OK, false // also if no constraint is about such names
	for _, t := range c.permitted {
		if !t.isAbout(name) {
			continue
		}
		if t.bounded {
			return boundedSubtree
		}
		if found {
			continue
		}
		permitted = name.within(t.base)
		if found = permitted == OK; !found && permitted != forbiddenName {
			return permitted
		}
	}
	if permitted != OK {
		return permitted
	}
	for _, t := range c.excluded {
		if !t.isAbout(name) {
			continue
		}
		if t.bounded {
			return boundedSubtree
		}
		switch r := name.within(t.base); r {
		case OK:
			return excludedName
		case forbiddenName:
		default:
			return r
		}
	}
	return OK
}

// isAbout reports whether a name is of the kind that the constraint is about. A
// mailbox in UTF-8 is a kind of its own, but constrained as addresses are.
func (t *subtree) isAbout(name generalName) bool {
	if name.isMailbox() {
		return t.base.kind == nameEmail
	}
	return t.base.kind == name.kind && t.base.id == name.id
}
