package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// group is a group for key exchange.
type group struct {
	id    tls.CurveID
	names []string // that a list may use; variables show the first
}

// groups are those that OpenSSL knows. crypto/tls has only some of them.
var groups = []group{
	{tls.X25519, []string{"X25519", "x25519"}},
	{tls.CurveP256, []string{"prime256v1", "P-256", "secp256r1"}},
	{tls.CurveP384, []string{"secp384r1", "P-384"}},
	{tls.CurveP521, []string{"secp521r1", "P-521"}},
	{tls.X25519MLKEM768, []string{"X25519MLKEM768"}},
	{tls.SecP256r1MLKEM768, []string{"SecP256r1MLKEM768"}},
	{tls.SecP384r1MLKEM1024, []string{"SecP384r1MLKEM1024"}},
	{30, []string{"X448", "x448"}},
	{1, []string{"sect163k1", "K-163"}},
	{2, []string{"sect163r1"}},
	{3, []string{"sect163r2", "B-163"}},
	{4, []string{"sect193r1"}},
	{5, []string{"sect193r2"}},
	{6, []string{"sect233k1", "K-233"}},
	{7, []string{"sect233r1", "B-233"}},
	{8, []string{"sect239k1"}},
	{9, []string{"sect283k1", "K-283"}},
	{10, []string{"sect283r1", "B-283"}},
	{11, []string{"sect409k1", "K-409"}},
	{12, []string{"sect409r1", "B-409"}},
	{13, []string{"sect571k1", "K-571"}},
	{14, []string{"sect571r1", "B-571"}},
	{15, []string{"secp160k1"}},
	{16, []string{"secp160r1"}},
	{17, []string{"secp160r2"}},
	{18, []string{"secp192k1"}},
	{19, []string{"prime192v1", "secp192r1", "P-192"}},
	{20, []string{"secp224k1"}},
	{21, []string{"secp224r1", "P-224"}},
	{22, []string{"secp256k1"}},
	{26, []string{"brainpoolP256r1"}},
	{27, []string{"brainpoolP384r1"}},
	{28, []string{"brainpoolP512r1"}},
	{0x100, []string{"ffdhe2048"}},
	{0x101, []string{"ffdhe3072"}},
	{0x102, []string{"ffdhe4096"}},
	{0x103, []string{"ffdhe6144"}},
	{0x104, []string{"ffdhe8192"}},
}

// supportedGroups are those that crypto/tls has.
var supportedGroups = []tls.CurveID{
	tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521,
	tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024,
}

// Curves reads the list of ssl_ecdh_curve; "auto" gives none, which stands for
// those of crypto/tls. missing are the names of groups that OpenSSL has and
// crypto/tls does not. An error is what OpenSSL adds to
// `SSL_CTX_set1_curves_list("...") failed`, perhaps nothing.
func Curves(list string) (found []tls.CurveID, missing []string, err error) {
	if list == "auto" {
		return nil, nil, nil
	}
	var seen []tls.CurveID
	for name := range strings.SplitSeq(list, ":") {
		i := slices.IndexFunc(groups, func(g group) bool { return slices.Contains(g.names, name) })
		switch {
		case name == "":
			return nil, nil, errors.New("")
		case i < 0:
			return nil, nil, fmt.Errorf(" (SSL: error:0A080106:SSL routines::passed invalid argument:group '%s' cannot be set)", name)
		case slices.Contains(seen, groups[i].id):
			return nil, nil, errors.New("")
		}
		id := groups[i].id
		seen = append(seen, id)
		if slices.Contains(supportedGroups, id) {
			found = append(found, id)
		} else {
			missing = append(missing, name)
		}
	}
	return found, missing, nil
}

// CurveName is the name of a group as $ssl_curve shows it, or its number.
func CurveName(id tls.CurveID) string {
	for _, g := range groups {
		if g.id == id {
			return g.names[0]
		}
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}
