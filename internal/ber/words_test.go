package ber

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEncodings has encodings of a small type. What OpenSSL 3.0 says was
// recorded, for an algorithm that stands alone.
func TestEncodings(t *testing.T) {
	for der, want := range map[string]string{
		"\x30\x03\x06\x01\x2A":                         "",
		"\x30\x05\x06\x01\x2A\x05\x00":                 "",
		"\x30\x81\x03\x06\x01\x2A":                     "",
		"\x30\x82\x00\x03\x06\x01\x2A":                 "",
		"\x30\x80\x06\x01\x2A\x00\x00":                 "",
		"\x30\x80\x06\x01\x2A\x30\x80\x00\x00\x00\x00": "",
		"\x30\x06\x06\x01\x2A\x04\x05\x00":             "0680009B too long|06800066 bad object header|0688010A nested asn1 error|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"":                                             "068000E0 too small",
		"\x30":                                         "0680007B header too long|06800066 bad object header|0688010A nested asn1 error:Type=X509_ALGOR",
		"\x30\x01":                                     "0680009B too long|06800066 bad object header|0688010A nested asn1 error:Type=X509_ALGOR",
		"\x31\x03\x06\x01\x2A":                         "068000A8 wrong tag|0688010A nested asn1 error:Type=X509_ALGOR",
		"\x10\x03\x06\x01\x2A":                         "06800095 sequence not constructed:Type=X509_ALGOR",
		"\x30\x00":                                     "06800079 field missing:Field=algorithm, Type=X509_ALGOR",
		"\x30\x02\x06\x00":                             "068000D8 invalid object encoding|0688010A nested asn1 error:Field=algorithm, Type=X509_ALGOR",
		"\x30\x03\x06\x01\x80":                         "068000D8 invalid object encoding|0688010A nested asn1 error:Field=algorithm, Type=X509_ALGOR",
		"\x30\x05\x26\x03\x06\x01\x2A":                 "068000C3 type not primitive|0688010A nested asn1 error:Field=algorithm, Type=X509_ALGOR",
		"\x30\x06\x06\x01\x2A\x05\x01\x00":             "06800090 null is wrong length|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x05\x06\x01\x2A\x01\x00":                 "0680006A boolean is wrong length|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x05\x06\x01\x2A\x02\x00":                 "068000DE illegal zero content|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x07\x06\x01\x2A\x02\x02\x00\x01":         "068000DD illegal padding|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x05\x06\x01\x2A\x03\x00":                 "06800098 string too short|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x06\x06\x01\x2A\x03\x01\x08":             "068000DC invalid bit string bits left|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x06\x06\x01\x2A\x1E\x01\x00":             "068000D6 bmpstring is wrong length|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x06\x06\x01\x2A\x1C\x01\x00":             "068000D7 universalstring is wrong length|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x07\x06\x01\x2A\x05\x00\x05\x00":         "06800094 sequence length mismatch:Type=X509_ALGOR",
		"\x30\x05\x06\x01\x2A\x00\x00":                 "0680009F unexpected eoc:Type=X509_ALGOR",
		"\x30\x80\x06\x01\x2A\x05\x00":                 "06800089 missing eoc:Type=X509_ALGOR",
		"\x30\x05\x06\x01\x2A\x10\x00":                 "0680009C type not constructed|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x09\x06\x01\x2A\x24\x80\x04\x01\x61\x00": "0680007B header too long|06800066 bad object header|0688010A nested asn1 error|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
		"\x30\x07\x06\x01\x2A\x24\x02\x00\x00":         "0680009F unexpected eoc|0688010A nested asn1 error:Field=parameter, Type=X509_ALGOR",
	} {
		_, _, problems := Decode([]byte(der), AlgorithmType)
		assert.Equal(t, wordsOf(want), strings.Join(problems, " "), "%x", der)
		assert.Equal(t, problems, Check([]byte(der), AlgorithmType), "%x", der)
	}
}

// wordsOf writes errors out.
func wordsOf(short string) string {
	if short == "" {
		return ""
	}
	parts := strings.Split(short, "|")
	for i, part := range parts {
		number, words, _ := strings.Cut(part, " ")
		parts[i] = "error:" + number + ":asn1 encoding routines::" + words
	}
	return strings.Join(parts, " ")
}

// Strings of names must be what they say they are.
func TestStringsOfNames(t *testing.T) {
	name := func(tag byte, text string) []byte {
		entry := append([]byte{0x30, byte(7 + len(text)), 6, 3, 0x55, 4, 3, tag, byte(len(text))}, text...)
		set := append([]byte{0x31, byte(len(entry))}, entry...)
		return append([]byte{0x30, byte(len(set))}, set...)
	}
	for _, tt := range []struct {
		tag        byte
		text, want string
	}{
		{12, "ä", ""}, {12, "\xE4", "06800086 invalid utf8string|0688010A nested asn1 error"},
		{12, "\xED\xA0\x80", "06800086 invalid utf8string|0688010A nested asn1 error"},
		{19, "\xE4", ""}, {20, "\xE4", ""}, {22, "\xE4", ""},
		{30, "\x00a", ""}, {30, "\xD8\x00", "0680007C illegal characters|0688010A nested asn1 error"},
		{28, "\x00\x00\x00a", ""}, {28, "\x00\x11\x00\x00", "0680007C illegal characters|0688010A nested asn1 error"},
	} {
		problems := Check(name(tt.tag, tt.text), NameType)
		assert.Equal(t, wordsOf(tt.want), strings.Join(problems, " "), "%d %q", tt.tag, tt.text)
	}
}

// Parts of a string may be in one another, but not too deep.
func TestNestedStrings(t *testing.T) {
	for depth, want := range map[int]string{5: "", 6: "", 7: "068000C5 nested asn1 string"} {
		der := []byte{4, 1, 'x'}
		for range depth {
			der = append([]byte{0x24, byte(len(der))}, der...)
		}
		_, rest, problems := Decode(append(bytes.Clone(der), 'x'), OctetStringType)
		assert.Equal(t, wordsOf(want), strings.Join(problems, " "), depth)
		assert.Equal(t, want == "", string(rest) == "x")
	}
}

// TestLongNames has names of about the size from which on OpenSSL does not see
// their end.
func TestLongNames(t *testing.T) {
	name := func(size int) []byte {
		const headers = 4 + 6 + 4 + 5 + 5 // of the name and what is in it, and the identifier
		text := make([]byte, size-headers+1)
		entry := Encode(SequenceTag, Encode(Object, []byte("\x55\x04\x03")), Encode(T61String, text))
		return Encode(SequenceTag, Encode(SetTag, entry))
	}
	for _, size := range []int{longestName, longestName + 1} {
		der := name(size)
		for len(der) != size { // headers depend on the size
			der = name(size + size - len(der))
		}
		want := ""
		if size > longestName {
			want = wordsOf("0680009B too long|06800066 bad object header|0688010A nested asn1 error")
		}
		assert.Equal(t, want, strings.Join(Check(der, NameType), " "), size)
	}
}

// TestFields finds fields in fields, and their bytes as they came.
func TestFields(t *testing.T) {
	der := []byte("\x30\x80\x06\x01\x2A\x05\x81\x00\x00\x00")
	v, _, problems := Decode(append(der, 1), AlgorithmType)
	assert.Empty(t, problems)
	assert.Equal(t, der, v.Raw)
	assert.Equal(t, []byte{0x2A}, v.Field("algorithm").Bytes)
	assert.Equal(t, []byte{5, 0x81, 0}, v.RawField("parameter"))
	assert.Equal(t, []byte{5, 0}, v.Field("parameter").Encoding)
	assert.Nil(t, v.Field("parameter", "more"))
	assert.Nil(t, v.RawField("missing"))
	v, _, problems = Decode(der[:2+3], &Type{Name: "X", Kind: Sequence, Fields: []Field{{Name: "x", Of: AlgorithmType}}})
	assert.Nil(t, v)
	assert.NotEmpty(t, problems)
}

// TestReadTLV reads values one by one.
func TestReadTLV(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 200)
	for _, tt := range []struct {
		in      string
		content string
		number  int
		rest    string
	}{
		{"\x04\x02ab\x05", "ab", 4, "\x05"},
		{"\x04\x81\xC8" + string(long) + "x", string(long), 4, "x"},
		{"\x30\x80\x30\x80\x00\x00\x04\x02\x00\x00\x00\x00x", "\x30\x80\x00\x00\x04\x02\x00\x00", SequenceTag, "x"},
		{"\x1F\x81\x01\x00", "", 129, ""},
	} {
		v, rest, ok := ReadTLV([]byte(tt.in))
		assert.True(t, ok, "%x", tt.in)
		assert.True(t, v.Is(tt.number), "%x", tt.in)
		assert.Equal(t, tt.content, string(v.Content), "%x", tt.in)
		assert.Equal(t, tt.rest, string(rest), "%x", tt.in)
	}
	for _, in := range []string{"", "\x04", "\x04\x02a", "\x04\x80\x00\x00", "\x30\x80\x00", "\x1F\x81", "\x04\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00"} {
		_, _, ok := ReadTLV([]byte(in))
		assert.False(t, ok, "%x", in)
	}
}
