package tlsconf

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFormsOfPEM has texts around, and of, a good certificate. What OpenSSL 3.0
// says was recorded.
func TestFormsOfPEM(t *testing.T) {
	file, err := os.ReadFile("testdata/plain.crt")
	require.NoError(t, err)
	good := string(file)
	first, rest, _ := strings.Cut(good, "\n")
	body, _, _ := strings.Cut(rest, "-----END")
	line, _, _ := strings.Cut(body, "\n")
	const (
		call   = "PEM_read_bio_X509_AUX() failed"
		badEnd = call + " (SSL: error:04800066:PEM routines::bad end line)"
		none   = call + " (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)"
		base64 = call + " (SSL: error:04800064:PEM routines::bad base64 decode)"
		header = call + " (SSL: error:0480006B:PEM routines::not proc type)"
		short  = call + " (SSL: error:0680009B:asn1 encoding routines::too long error:06800066:asn1 encoding routines::bad object header " +
			"error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509 error:0488000D:PEM routines::ASN1 lib)"
	)
	for _, tt := range []struct{ what, text, want string }{
		{"usual", good, ""},
		{"byte order mark", "\xEF\xBB\xBF" + good, ""},
		{"byte order mark in front of text", "\xEF\xBB\xBFtext\n" + good, ""},
		{"byte order mark between", good + "\xEF\xBB\xBF" + good, ""},
		{"byte order mark behind text", "text\n\xEF\xBB\xBF" + good, none},
		{"text around", "a: b\n\n" + good + "text", ""},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), ""},
		{"CR", strings.ReplaceAll(good, "\n", "\r"), none},
		{"no end of line", strings.TrimSuffix(good, "\n"), ""},
		{"blanks at ends of lines", strings.ReplaceAll(good, "\n", " \t\n"), ""},
		{"letters at ends of lines", strings.ReplaceAll(good, "\n", "\xC3\xA9\n"), ""},
		{"indented", strings.ReplaceAll(good, "\n", "\n "), badEnd},
		{"indented contents", first + "\n " + strings.TrimSuffix(strings.ReplaceAll(rest, "\n", "\n "), " ")[:10], badEnd},
		{"blank in a line", strings.Replace(good, line, line[:9]+" "+line[9:], 1), ""},
		{"one line", first + "\n" + strings.ReplaceAll(body, "\n", "") + "\n-----END CERTIFICATE-----\n", ""},
		{"X509 CERTIFICATE", strings.ReplaceAll(good, "CERTIFICATE", "X509 CERTIFICATE"), ""},
		{"TRUSTED CERTIFICATE", strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"), ""},
		{"another name", strings.ReplaceAll(good, "CERTIFICATE", "CERT"), none},
		{"another end", strings.Replace(good, "END CERTIFICATE", "END CERT", 1), badEnd},
		{"glued", strings.TrimSuffix(good, "\n") + good, badEnd},
		{"empty line in front", first + "\n\n" + rest, ""},
		{"empty line in the middle", first + "\n" + line + "\n\n" + strings.TrimPrefix(rest, line+"\n"), header},
		{"two empty lines", first + "\n\n\n" + rest, badEnd},
		{"header", first + "\nA: b\n\n" + rest, header},
		{"header without end", first + "\nA: b\n" + rest, call},
		{"clear text by a header", first + "\nProc-Type: 4,CLEAR\n\n" + rest, call + " (SSL: error:0480006A:PEM routines::not encrypted)"},
		{"other protocol", first + "\nProc-Type: 5,ENCRYPTED\n\n" + rest, call},
		{"encrypted with nothing", first + "\nProc-Type: 4,ENCRYPTED\n\n" + rest, call + " (SSL: error:04800069:PEM routines::not dek info)"},
		{"encrypted with no cipher", first + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: FOO,00\n\n" + rest, call + " (SSL: error:04800072:PEM routines::unsupported encryption)"},
		{"encrypted with half a vector", first + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + rest, call + " (SSL: error:04800067:PEM routines::bad iv chars)"},
		{"lines of a wrong length behind a header", first + "\n\n" + line + "AAAA\n" + rest, call},
		{"short lines behind a header", first + "\n\n" + line[:60] + "\n" + rest, badEnd},
		{"hyphen", first + "\n" + line + "\n-text\n" + strings.TrimPrefix(rest, line+"\n"), short},
		{"no alphabet", first + "\n" + line + "\n!\n" + rest, base64},
		{"three digits", first + "\nAAA\n-----END CERTIFICATE-----\n", base64},
		{"digits behind the padding", first + "\nAA==AAAA\n-----END CERTIFICATE-----\n", base64},
		{"no contents", first + "\n-----END CERTIFICATE-----\n", call},
		{"UTF-16", "\xFF\xFE-\x00-\x00", none},
	} {
		_, err := readChain("data:" + tt.text)
		if tt.want == "" {
			assert.NoError(t, err, tt.what)
			continue
		}
		assert.EqualError(t, err, tt.want, tt.what)
	}
}

func TestLinesOfPEM(t *testing.T) {
	const block = "-----BEGIN X-----\nAAAA\n-----END X-----\n"
	r := pemReader{rest: []byte("text\n" + strings.Repeat("long", 100) + "\n" + block + "\n" + block)}
	for _, want := range []int{3, 7} {
		b, err := r.block()
		require.NoError(t, err)
		assert.Equal(t, want, b.line)
	}
	_, err := r.block()
	assert.True(t, isNoStartLine(err))
}
