package tlsconf

import "github.com/gostream/gostream/internal/ber"

// The types of private keys, and of parameters for DHE.
var (
	pkcs8Type = ber.SequenceOf("PKCS8_PRIV_KEY_INFO",
		ber.Field{Name: "version", Of: ber.IntegerType},
		ber.Field{Name: "pkeyalg", Of: ber.AlgorithmType},
		ber.Field{Name: "pkey", Of: ber.OctetStringType},
		ber.Field{Name: "attributes", Of: ber.AnyType, List: ber.SetTag, Tagging: ber.Implicit, Tag: 0, Optional: true})
	encryptedKeyType = ber.SequenceOf("X509_SIG",
		ber.Field{Name: "algor", Of: ber.AlgorithmType},
		ber.Field{Name: "digest", Of: ber.OctetStringType})
	rsaKeyType = ber.SequenceOf("RSAPrivateKey",
		ber.Field{Name: "version", Of: ber.IntegerType},
		ber.Field{Name: "n", Of: ber.NumberType},
		ber.Field{Name: "e", Of: ber.NumberType},
		ber.Field{Name: "d", Of: ber.NumberType},
		ber.Field{Name: "p", Of: ber.NumberType},
		ber.Field{Name: "q", Of: ber.NumberType},
		ber.Field{Name: "dmp1", Of: ber.NumberType},
		ber.Field{Name: "dmq1", Of: ber.NumberType},
		ber.Field{Name: "iqmp", Of: ber.NumberType},
		ber.Field{Name: "prime_infos", Of: ber.AnyType, List: ber.SequenceTag, Optional: true})
	ecKeyType = ber.SequenceOf("EC_PRIVATEKEY",
		ber.Field{Name: "version", Of: ber.IntegerType},
		ber.Field{Name: "privateKey", Of: ber.OctetStringType},
		ber.Field{Name: "parameters", Of: ber.AnyType, Tagging: ber.Explicit, Tag: 0, Optional: true},
		ber.Field{Name: "publicKey", Of: ber.BitStringType, Tagging: ber.Explicit, Tag: 1, Optional: true})
	dsaKeyType = ber.SequenceOf("DSA",
		ber.Field{Name: "version", Of: ber.IntegerType},
		ber.Field{Name: "params.p", Of: ber.NumberType},
		ber.Field{Name: "params.q", Of: ber.NumberType},
		ber.Field{Name: "params.g", Of: ber.NumberType},
		ber.Field{Name: "pub_key", Of: ber.NumberType},
		ber.Field{Name: "priv_key", Of: ber.NumberType})
	dhType = ber.SequenceOf("DHparams",
		ber.Field{Name: "params.p", Of: ber.NumberType},
		ber.Field{Name: "params.g", Of: ber.NumberType},
		ber.Field{Name: "length", Of: ber.IntegerType, Optional: true})
	dhxType = ber.SequenceOf("int_dhx942_dh",
		ber.Field{Name: "p", Of: ber.NumberType},
		ber.Field{Name: "g", Of: ber.NumberType},
		ber.Field{Name: "q", Of: ber.NumberType},
		ber.Field{Name: "j", Of: ber.NumberType, Optional: true},
		ber.Field{Name: "vparams", Of: ber.AnyType, Optional: true})
)
