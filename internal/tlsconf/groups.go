package tlsconf

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// defaultGroups are those of a server that says "auto".
var defaultGroups = []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP521, tls.CurveP384}

// groupBits is the security of groups.
var groupBits = map[tls.CurveID]int{
	tls.X25519: 128, tls.CurveP256: 128, tls.CurveP384: 192, tls.CurveP521: 256,
	tls.X25519MLKEM768: 192, tls.SecP256r1MLKEM768: 192, tls.SecP384r1MLKEM1024: 256,
}

// curves are the groups of TLS 1.2 that are checked here.
var curves = map[tls.CurveID]ecdh.Curve{
	tls.X25519: ecdh.X25519(), tls.CurveP256: ecdh.P256(), tls.CurveP384: ecdh.P384(), tls.CurveP521: ecdh.P521(),
}

func groupOf(key *ecdsa.PublicKey) tls.CurveID {
	switch key.Curve {
	case elliptic.P256():
		return tls.CurveP256
	case elliptic.P384():
		return tls.CurveP384
	case elliptic.P521():
		return tls.CurveP521
	}
	return 0
}

// groups are those of the server that the level allows.
func (n *negotiation) groups() []tls.CurveID { return n.def.groupsAt(n.own.Level) }

// sharedGroup chooses a group for TLS 1.2 and older. 0: there is none, or the
// client does not say which groups it has.
func (n *negotiation) sharedGroup() tls.CurveID {
	order, other := n.hello.Groups, n.groups()
	if n.own.ServerOrder {
		order, other = other, order
	}
	for _, id := range order {
		if curves[id] != nil && slices.Contains(other, id) {
			return id
		}
	}
	return 0
}

// readShares reads key_share and takes the first one of a group that the server
// has.
func (n *negotiation) readShares() *Refusal {
	e := n.hello.extension(extensionKeyShare)
	if !e.sent || !n.tls13() {
		return nil
	}
	s := cryptobyte.String(e.data)
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return refuseLength
	}
	if len(n.hello.Groups) == 0 {
		return refuseGroupsMissing
	}
	for !list.Empty() {
		var id uint16
		var point cryptobyte.String
		if !list.ReadUint16(&id) || !list.ReadUint16LengthPrefixed(&point) || point.Empty() {
			return refuseLength
		}
		if n.choice.Group == 0 {
			if r := n.takeShare(tls.CurveID(id), point); r != nil {
				return r
			}
		}
	}
	return nil
}

func (n *negotiation) takeShare(group tls.CurveID, point []byte) *Refusal {
	if !slices.Contains(n.hello.Groups, group) {
		return refuseShare
	}
	if !slices.Contains(n.groups(), group) {
		return nil
	}
	if curve := curves[group]; curve != nil {
		if _, err := curve.NewPublicKey(point); err != nil {
			return pointProblem(group, point)
		}
	}
	n.choice.Group = group
	return nil
}

// pointProblem is what is wrong with a key of the client.
func pointProblem(group tls.CurveID, point []byte) *Refusal {
	switch {
	case group == tls.X25519, len(point) < 3, point[0] != uncompressed:
		return refusePoint
	case len(point) != pointSizes[group]:
		return refusePointForm
	}
	return refusePointOff
}

// uncompressed is the first byte of points that are complete.
const uncompressed = 4

// pointSizes are the sizes of points that are not compressed.
var pointSizes = map[tls.CurveID]int{tls.CurveP256: 65, tls.CurveP384: 97, tls.CurveP521: 133}

// chooseShare asks for a share of the group that the server likes best, unless
// there is one already.
func (n *negotiation) chooseShare() *Refusal {
	if n.choice.Group != 0 {
		return nil
	}
	if !n.hello.extension(extensionKeyShare).sent {
		return refuseShareMissing
	}
	for _, id := range n.groups() {
		if slices.Contains(n.hello.Groups, id) {
			n.choice.Group, n.choice.Retry = id, true
			return nil
		}
	}
	return refuseNoShare
}
