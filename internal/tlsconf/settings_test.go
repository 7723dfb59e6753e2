package tlsconf

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func same(name string) string { return name }

// What nginx says to commands was recorded.
func TestCommandErrors(t *testing.T) {
	const bad = `error:0A000180:SSL routines::bad value:cmd=`
	const open = `error:80000002:system library::No such file or directory:calling fopen(no, r) error:10080002:BIO routines::system lib error:0A080002:SSL routines::system lib `
	for _, tt := range []struct{ name, value, want string }{
		{"Foo", "Bar", `SSL_CONF_cmd("Foo", "Bar") failed (SSL: error:0A000182:SSL routines::unknown cmd name:cmd=Foo)`},
		{"Protocol", "foo", `SSL_CONF_cmd("Protocol", "foo") failed (SSL: ` + bad + `Protocol, value=foo)`},
		{"MinProtocol", "tlsv1.2", `SSL_CONF_cmd("MinProtocol", "tlsv1.2") failed (SSL: ` + bad + `MinProtocol, value=tlsv1.2)`},
		{"MaxProtocol", "SSLv2", `SSL_CONF_cmd("MaxProtocol", "SSLv2") failed (SSL: ` + bad + `MaxProtocol, value=SSLv2)`},
		{"Protocol", "--TLSv1", `SSL_CONF_cmd("Protocol", "--TLSv1") failed (SSL: ` + bad + `Protocol, value=--TLSv1)`},
		{"MinProtocol", "foo", `SSL_CONF_cmd("MinProtocol", "foo") failed (SSL: ` + bad + `MinProtocol, value=foo)`},
		{"Ciphersuites", "foo", `SSL_CONF_cmd("Ciphersuites", "foo") failed (SSL: error:0A0000B9:SSL routines::no cipher match ` + bad + `Ciphersuites, value=foo)`},
		{"CipherString", "foo", `SSL_CONF_cmd("CipherString", "foo") failed (SSL: error:0A0000B9:SSL routines::no cipher match ` + bad + `CipherString, value=foo)`},
		{"Options", "foo", `SSL_CONF_cmd("Options", "foo") failed (SSL: ` + bad + `Options, value=foo)`},
		{"Curves", "foo", `SSL_CONF_cmd("Curves", "foo") failed (SSL: error:0A080106:SSL routines::passed invalid argument:group 'foo' cannot be set ` + bad + `Curves, value=foo)`},
		{"Certificate", "no", `SSL_CONF_cmd("Certificate", "no") failed (SSL: ` + open + bad + `Certificate, value=no)`},
		{"PrivateKey", "no", `SSL_CONF_cmd("PrivateKey", "no") failed (SSL: ` + open + bad + `PrivateKey, value=no)`},
		{"SignatureAlgorithms", "foo", `SSL_CONF_cmd("SignatureAlgorithms", "foo") failed (SSL: ` + bad + `SignatureAlgorithms, value=foo)`},
	} {
		var s Settings
		assert.EqualError(t, s.Run(tt.name, tt.value, same), tt.want)
		assert.True(t, HasEffect(tt.name, tt.value))
	}
}

func TestCommands(t *testing.T) {
	s := Settings{Protocols: TLSv12 | TLSv13}
	run := func(name, value string) {
		t.Helper()
		require.NoError(t, s.Run(name, value, same))
	}
	run("Protocol", "-TLSv1.2")
	assert.Equal(t, TLSv13, s.Protocols)
	run("protocol", "ALL,-SSLv3")
	assert.Equal(t, TLSv1|TLSv11|TLSv12|TLSv13, s.Protocols)
	run("Protocol", "-TLSv1,DTLSv1,-TLSv1.3,+TLSv1.2")
	run("Protocol", "TLSv1")
	assert.Equal(t, TLSv1|TLSv11|TLSv12, s.Protocols)
	run("MinProtocol", "TLSv1.1")
	run("MaxProtocol", "TLSv1.1")
	run("MaxProtocol", "DTLSv1")
	assert.Equal(t, TLSv11, s.Usable(&s))
	assert.Equal(t, TLSv11, (&Settings{Protocols: TLSv11 | TLSv12}).Usable(&s), "the bounds are those of the other")
	run("MinProtocol", "None")
	run("MaxProtocol", "None")
	assert.Equal(t, TLSv1|TLSv11|TLSv12, s.Usable(&s))
	s.Level = 3
	assert.Equal(t, TLSv11|TLSv12, s.Usable(&s))
	s.Level = 4
	assert.Equal(t, TLSv12, s.Usable(&s))
	s.Level = DefaultLevel
	run("CipherString", "AES128-SHA")
	assert.Equal(t, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}, s.Ciphers)
	run("Groups", "P-256")
	assert.Equal(t, []tls.CurveID{tls.CurveP256}, s.Curves)
	run("Options", "SessionTicket,ServerPreference")
	assert.True(t, s.Tickets && s.ServerOrder)
	run("Options", "-SessionTicket,-ServerPreference")
	assert.False(t, s.Tickets || s.ServerOrder)
	run("Certificate", "testdata/plain.crt")
	run("PrivateKey", "testdata/plain.key")
	assert.Len(t, s.Identity.Certificates(), 1)
	for name, value := range map[string]string{
		"Ciphersuites": "TLS_AES_128_GCM_SHA256", "SignatureAlgorithms": "RSA+SHA256:ed25519", "NumTickets": "1",
		"Options": "PrioritizeChaCha", "VerifyMode": "Peer",
	} {
		run(name, value)
		assert.False(t, HasEffect(name, value), name)
	}
}

func TestLevel(t *testing.T) {
	s := Settings{Level: DefaultLevel}
	require.NoError(t, s.SetCiphers("HIGH"))
	assert.Equal(t, 2, s.Level)
	require.NoError(t, s.SetCiphers("@SECLEVEL=3:HIGH:@SECLEVEL=0"))
	assert.Equal(t, 0, s.Level)
	require.NoError(t, s.Run("CipherString", "HIGH", same))
	assert.Equal(t, 0, s.Level)
	require.NoError(t, s.Run("CipherString", "HIGH@SECLEVEL=5", same))
	assert.Equal(t, 5, s.Level)
}

func TestSettings(t *testing.T) {
	var s Settings
	assert.EqualError(t, s.SetCiphers("foo"), `SSL_CTX_set_cipher_list("foo") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`)
	assert.EqualError(t, s.SetCurves("foo"), `SSL_CTX_set1_curves_list("foo") failed (SSL: error:0A080106:SSL routines::passed invalid argument:group 'foo' cannot be set)`)
	assert.EqualError(t, s.SetCurves(""), `SSL_CTX_set1_curves_list("") failed`)
	assert.EqualError(t, CheckDHParams("no", DefaultLevel), `BIO_new_file("no") failed (SSL: error:80000002:system library::No such file or directory:calling fopen(no, r) error:10000080:BIO routines::no such file)`)
	assert.EqualError(t, CheckDHParams("testdata/plain.crt", DefaultLevel), `PEM_read_bio_DHparams("testdata/plain.crt") failed (SSL: error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS)`)
}
