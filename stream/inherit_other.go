//go:build !linux

package stream

import "errors"

// Elsewhere a server is one process, so there is nobody to inherit from, and
// sockets keep the options they were opened with.

func socketKey(int) (addressKey, error) { return addressKey{}, errors.ErrUnsupported }

func descriptors([]socket) []int { return nil }

func (ln *listener) inherit([]int) {}

func (ln *listener) shareAddress() error { return nil }

func (ln *listener) bindBeside(_ []*listener, inUse error) error { return inUse }

func (ln *listener) listenBeside([]*listener) error { return nil }

func (ln *listener) reconfigure(opt *Listen) { ln.opt = *opt }
