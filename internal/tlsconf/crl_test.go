package tlsconf

import (
	"encoding/hex"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki"
)

// crlParts are the encodings, in hexadecimal digits, of which a list consists.
var crlParts = map[string]string{
	"version":    "020101",
	"inner":      "300a06082a8648ce3d040302",
	"issuer":     "300c310a300806035504030c0163",
	"this":       "170d3233303130313030303030305a",
	"next":       "170d3430303130313030303030305a",
	"revoked":    "30143012020105170d3233303130313030303030305a",
	"extensions": "a00e300c300a0603551d140403020101",
	"outer":      "300a06082a8648ce3d040302",
	"signature":  "03020001",
}

// crlFrom puts a list together in which some parts are others. "info" and "list"
// are all fields of the signed part and of the list, "der" is the whole.
func crlFrom(t *testing.T, other map[string]string) []byte {
	t.Helper()
	part := func(name, usual string) string {
		if text, ok := other[name]; ok {
			return text
		}
		return usual
	}
	joined := func(names ...string) (all string) {
		for _, name := range names {
			all += part(name, crlParts[name])
		}
		return all
	}
	info := part("info", derSequence(joined("version", "inner", "issuer", "this", "next", "revoked", "extensions")))
	list := part("list", derSequence(info+joined("outer", "signature")))
	der, err := hex.DecodeString(part("der", list) + other["after"])
	require.NoError(t, err)
	return der
}

func derSequence(digits string) string {
	n := len(digits) / 2
	if n < 0x80 {
		return "30" + hex.EncodeToString([]byte{byte(n)}) + digits
	}
	return "3082" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + digits
}

// crlCase is one of testdata/crls.txt.
type crlCase struct {
	what, want string
	parts      map[string]string
}

func readCRLCases(t *testing.T) (all []crlCase) {
	t.Helper()
	text, err := os.ReadFile("testdata/crls.txt")
	require.NoError(t, err)
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		lines := strings.Split(block, "\n")
		if strings.HasPrefix(lines[0], "#") {
			continue
		}
		require.Len(t, lines, 3, block)
		c := crlCase{lines[0], lines[2], map[string]string{}}
		for _, word := range strings.Fields(lines[1]) {
			name, digits, _ := strings.Cut(word, "=")
			c.parts[name] = digits
		}
		all = append(all, c)
	}
	return all
}

// TestCRLs has lists as they can be malformed, and what nginx 1.31.5 with
// OpenSSL 3.0 says about them.
func TestCRLs(t *testing.T) {
	for _, c := range readCRLCases(t) {
		der := crlFrom(t, c.parts)
		_, err := CRLs("data:" + string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})))
		if c.want == "accepted" {
			assert.NoError(t, err, c.what)
			continue
		}
		assert.ErrorContains(t, err, "PEM_read_bio_X509_CRL() failed (SSL: "+c.want+")", c.what)
	}
}

// FuzzCRL compares the two readers of lists: what one takes the other must take.
func FuzzCRL(f *testing.F) {
	for _, c := range []map[string]string{nil, {"version": ""}, {"revoked": "", "extensions": ""}} {
		f.Add(crlFrom(&testing.T{}, c))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		_, err := pki.ParseCRL(der)
		assert.Equal(t, ber.Check(der, ber.CRLType) == nil, err == nil)
	})
}
