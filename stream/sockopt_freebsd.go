package stream

import "golang.org/x/sys/unix"

// reusePort spreads connections over the sockets of an address.
const reusePort = unix.SO_REUSEPORT_LB
