package ber

import (
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var algorithms = &Type{Name: "X509_ALGORS", Kind: Wrapper, Fields: []Field{{Name: "algorithms", Of: AlgorithmType, List: SequenceTag}}}

const nested = "error:0688010A:asn1 encoding routines::nested asn1 error"

// decoded are encodings in hexadecimal digits, and what becomes of them: the
// encoding anew, or what OpenSSL's decoder says by its rules. How nginx shows it is
// recorded in package pki's testdata.
var decoded = []struct {
	of       *Type
	in, want string
}{
	{AlgorithmType, "300406022a03", "300406022a03"},
	{AlgorithmType, "308206022a030500", "error:0680009B:asn1 encoding routines::too long error:06800066:asn1 encoding routines::bad object header " + nested + ":Type=X509_ALGOR"},
	{AlgorithmType, "3081060602" + "2a030500", "300606022a030500"},
	{AlgorithmType, "308006022a0305000000", "300606022a030500"},
	{AlgorithmType, "308006022a0330800500000000" + "00", "300a06022a033080050000" + "00"},
	{AlgorithmType, "308006022a03", "error:06800089:asn1 encoding routines::missing eoc:Type=X509_ALGOR"},
	{AlgorithmType, "300606022a038000", "300606022a038000"},
	{AlgorithmType, "300506022a0305", "error:0680007B:asn1 encoding routines::header too long error:06800066:asn1 encoding routines::bad object header " + nested + " " + nested + ":Field=parameter, Type=X509_ALGOR"},
	{AlgorithmType, "300806022a0305000500", "error:06800094:asn1 encoding routines::sequence length mismatch:Type=X509_ALGOR"},
	{AlgorithmType, "3000", "error:06800079:asn1 encoding routines::field missing:Field=algorithm, Type=X509_ALGOR"},
	{AlgorithmType, "30020600", "error:068000D8:asn1 encoding routines::invalid object encoding " + nested + ":Field=algorithm, Type=X509_ALGOR"},
	{AlgorithmType, "30060602802a0500", "error:068000D8:asn1 encoding routines::invalid object encoding " + nested + ":Field=algorithm, Type=X509_ALGOR"},
	{AlgorithmType, "30062602060" + "0" + "0500", "error:068000C3:asn1 encoding routines::type not primitive " + nested + ":Field=algorithm, Type=X509_ALGOR"},
	{AlgorithmType, "3003060" + "102", "3003060" + "102"},
	{algorithms, "3000", "3000"},
	{algorithms, "30800000", "3000"},
	{algorithms, "300430020" + "600", "error:068000D8:asn1 encoding routines::invalid object encoding " + nested + ":Field=algorithm, Type=X509_ALGOR " + nested},
	{OctetStringType, "2480040101040102" + "0000", "04020102"},
	{OctetStringType, "24060401012401" + "04", "error:0680007B:asn1 encoding routines::header too long error:06800066:asn1 encoding routines::bad object header " + nested},
	{OctetStringType, "2400", "0400"},
	{OctetStringType, "24022400", "0400"},
	{OctetStringType, "240a2408240624042402" + "2400", "0400"},
	{OctetStringType, "240c240a2408240624042402" + "2400", "error:068000C5:asn1 encoding routines::nested asn1 string"},
	{BitStringType, "030204ff", "030204f0"},
	{BitStringType, "030208ff", "error:068000DC:asn1 encoding routines::invalid bit string bits left"},
	{BitStringType, "0300", "error:06800098:asn1 encoding routines::string too short"},
	{IntegerType, "0200", "error:068000DE:asn1 encoding routines::illegal zero content"},
	{IntegerType, "02020001", "error:068000DD:asn1 encoding routines::illegal padding"},
	{IntegerType, "0202ff80", "error:068000DD:asn1 encoding routines::illegal padding"},
	{IntegerType, "0202ff7f", "0202ff7f"},
	{IntegerType, "1f020101", "020101"},
	{IntegerType, "040101", "error:068000A8:asn1 encoding routines::wrong tag " + nested},
	{NullType, "050100", "error:06800090:asn1 encoding routines::null is wrong length"},
	{NameType, "30" + "0d310b300906035504030c02c328", "error:06800086:asn1 encoding routines::invalid utf8string " + nested},
	{NameType, "300d310b300906035504030c026162", "300d310b300906035504030c026162"},
	{NameType, "300d310b300906035504030a026162", "error:0680008C:asn1 encoding routines::mstring wrong tag:Type=ASN1_PRINTABLE " + nested + ":Field=value, Type=X509_NAME_ENTRY " + nested + " " + nested},
	{validityType, "3000", "error:06800079:asn1 encoding routines::field missing:Field=notBefore, Type=X509_VAL"},
}

func TestDecode(t *testing.T) {
	for _, tt := range decoded {
		in, err := hex.DecodeString(tt.in)
		require.NoError(t, err, tt.in)
		v, rest, problems := Decode(in, tt.of)
		got := strings.Join(problems, " ")
		if v != nil {
			got = hex.EncodeToString(v.Encoding)
			assert.Empty(t, rest, tt.in)
		}
		assert.Equal(t, tt.want, got, tt.in)
	}
}

func TestEncode(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 17} {
		contents := make([]byte, n)
		want, err := asn1.Marshal(contents)
		require.NoError(t, err)
		assert.Equal(t, want, Encode(OctetString, contents[:n/2], contents[n/2:]))
	}
}

func TestElement(t *testing.T) {
	const notEnough, tooLong = "error:0680008E:asn1 encoding routines::not enough data", "error:0680009B:asn1 encoding routines::too long"
	for in, want := range map[string]string{
		"": "", "30": notEnough, "ff": notEnough, "1f": notEnough, "1f81": notEnough, "1f8101": notEnough, "1f810100": "1f810100",
		"1f818181818181": "error:0680007B:asn1 encoding routines::header too long", "1f8181818181": notEnough, "1f81818181818101": "error:0680007B:asn1 encoding routines::header too long", "3082": notEnough, "308201": notEnough,
		"3000": "3000", "300030": "3000", "3001": notEnough, "300100": "300100", "3089": tooLong, "30880000000000000000": "30880000000000000000",
		"30847fffffff": notEnough, "3084ffffffff": tooLong, "3080": notEnough, "30800000": "30800000", "308000": notEnough,
		"3080308000000000ff": "308030800000" + "0000", "308030020000" + "0000": "308030020000" + "0000", "3080308000": notEnough, "1f0300": "1f0300",
	} {
		der, err := hex.DecodeString(in)
		require.NoError(t, err, in)
		element, problems := Element(der)
		got := strings.Join(problems, " ")
		if element != nil {
			got = hex.EncodeToString(element)
		}
		assert.Equal(t, want, got, in)
	}
}

// FuzzDecode looks for panics, and for values that change when they are encoded
// anew a second time.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"300406022a03", "308006022a0330800500000000" + "00", "300d310b300906035504030c026162", "2480040101040102" + "0000"} {
		der, _ := hex.DecodeString(text)
		f.Add(der)
	}
	types := []*Type{AlgorithmType, ExtensionType, NameType, CertificateType, OctetStringType, AnyType}
	f.Fuzz(func(t *testing.T, der []byte) {
		if element, problems := Element(der); element != nil {
			assert.Empty(t, problems)
			assert.Equal(t, der[:len(element)], element)
		}
		tlv, after, ok := ReadTLV(der)
		if ok {
			assert.Less(t, len(after), len(der))
			_ = tlv.Valid(tlv.Number)
		}
		for _, of := range types {
			v, rest, problems := Decode(der, of)
			assert.Equal(t, problems, Check(der, of))
			if v == nil {
				assert.NotEmpty(t, problems)
				continue
			}
			assert.True(t, ok)
			assert.Equal(t, after, rest)
			again, rest, problems := Decode(v.Encoding, of)
			if len(problems) > 0 && strings.HasPrefix(problems[0], errUnexpectedEnd) {
				continue // as in OpenSSL, an empty value of the tag 0 in pieces becomes one
			}
			require.Empty(t, problems, "%x became %x", der, v.Encoding)
			assert.Empty(t, rest)
			assert.Equal(t, v.Encoding, again.Encoding)
		}
	})
}
