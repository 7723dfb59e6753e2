package pki

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
	"github.com/gostream/gostream/internal/pki/pkitest"
)

// builtList makes a list of an authority from the words of package pkitest.
func builtList(t testing.TB, words string) []byte {
	t.Helper()
	cases, err := pkitest.Parse("case x\ncert ca bc!=ca\ncrl l by=ca " + words + "\ntrust ca\nlists l\nsend ca\n")
	require.NoError(t, err)
	m, err := cases[0].Build()
	require.NoError(t, err)
	return m.Lists[0]
}

// numbersIn are the serial numbers of the entries of a list, in hexadecimal
// digits, as its table has them.
func numbersIn(crl *CRL) (all []string) {
	for _, place := range crl.entries.table {
		if place > 0 {
			entry, _, _ := ber.ReadTLV(crl.entries.encoded[place-1:])
			serial, _, _ := readEntry(entry.Content)
			all = append(all, hex.EncodeToString(serial))
		}
	}
	return all
}

func encodedNumber(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	return b.BytesOrPanic()[2:]
}

// FuzzCRL compares with package x509, which takes DER of version 2 only, but does
// not look at what follows the fields that it knows. Which lists are to be taken
// is what the test of that name in package tlsconf compares.
func FuzzCRL(f *testing.F) {
	for _, words := range []string{"", "v=1", "revoke=1:1,2@/CN=x,3+!1.2.3:0500 number=1 aki=auto", "idp!=uri:http://x,user next= issuer=/O=T+CN.bmp=x/CN.t61=y",
		"revoke=-1,0x80,0x7fffffffffffffffff:8,1+2.5.29.21:0500 delta!=1 number=2", "empty=yes from=gen:20230101000000.5Z next=utc:x idp=rel:/CN=p"} {
		f.Add(builtList(f, words))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		crl, err := ParseCRL(der)
		if err != nil {
			return
		}
		crl.entries.revokes([]byte{1}, string(crl.issuer))
		crl.inTime(time.Now().Unix())
		usual, err := x509.ParseRevocationList(der)
		if err != nil {
			return
		}
		var want []string
		for _, e := range usual.RevokedCertificateEntries {
			want = append(want, hex.EncodeToString(encodedNumber(e.SerialNumber)))
		}
		assert.ElementsMatch(t, want, numbersIn(crl))
		assert.Equal(t, usual.ThisUpdate.Unix(), crl.thisUpdate.seconds)
	})
}

// largeList encodes a list with many entries that nobody has signed.
func largeList(t testing.TB, numbers []*big.Int) []byte {
	t.Helper()
	entries := make([]pkix.RevokedCertificate, len(numbers))
	reason := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 21}, Value: []byte{10, 1, 1}}
	for i, n := range numbers {
		entries[i] = pkix.RevokedCertificate{SerialNumber: n, RevocationTime: time.Unix(1700000000, 0).UTC(), Extensions: []pkix.Extension{reason}}
	}
	der, err := asn1.Marshal(entries)
	require.NoError(t, err)
	usual, _, _ := ber.ReadTLV(builtList(t, "number=1"))
	info, rest, _ := ber.ReadTLV(usual.Content)
	var b cryptobyte.Builder
	b.AddASN1(cryptobyteasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cryptobyteasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			extensions := bytes.IndexByte(info.Content, 0xa0) // the only such byte
			b.AddBytes(info.Content[:extensions])
			b.AddBytes(der)
			b.AddBytes(info.Content[extensions:])
		})
		b.AddBytes(rest)
	})
	return b.BytesOrPanic()
}

func randomNumbers(n int) (all []*big.Int) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		all = append(all, new(big.Int).SetBits([]big.Word{big.Word(r.Uint64()), big.Word(r.Uint64())}))
	}
	return all
}

// TestLargeList looks all numbers of a large list up, and as many that are not
// in it. The index takes 12 bytes for an entry at most.
func TestLargeList(t *testing.T) {
	const n = 20000
	numbers := randomNumbers(2 * n)
	crl, err := ParseCRL(largeList(t, numbers[:n]))
	require.NoError(t, err)
	for i, number := range numbers {
		if got := crl.entries.revokes(encodedNumber(number), string(crl.issuer)); got != (i < n) {
			t.Fatalf("number %d: %t", i, got)
		}
	}
	assert.LessOrEqual(t, 4*len(crl.entries.table), 12*n)
	for few := range 5 {
		crl, err := ParseCRL(largeList(t, numbers[:few]))
		require.NoError(t, err)
		assert.Len(t, numbersIn(crl), few)
		assert.False(t, crl.entries.revokes(encodedNumber(numbers[n]), string(crl.issuer)))
	}
}

// TestSignatureIsRemembered has two keys that ask about one list, many times and
// at once: that one of them has signed it says nothing about the other.
func TestSignatureIsRemembered(t *testing.T) {
	root := issue(t, nil, "root", nil)
	stranger := issue(t, nil, "root", nil)
	crl := root.crl(t, nil)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 50 {
				assert.True(t, crl.isSignedBy(read(root.cert)))
				assert.False(t, crl.isSignedBy(read(stranger.cert)))
			}
		})
	}
	wait.Wait()
}

func BenchmarkParseCRL(b *testing.B) {
	der := largeList(b, randomNumbers(200000))
	b.SetBytes(int64(len(der)))
	for b.Loop() {
		if _, err := ParseCRL(der); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRevokes(b *testing.B) {
	numbers := randomNumbers(200000)
	crl, err := ParseCRL(largeList(b, numbers))
	require.NoError(b, err)
	number, issuer := encodedNumber(numbers[77777]), string(crl.issuer)
	for b.Loop() {
		if !crl.entries.revokes(number, issuer) {
			b.Fatal("not found")
		}
	}
}
