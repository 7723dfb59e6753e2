//go:build !linux

package loop

import "errors"

// poller has no form on this system: open fails, and nothing else is called.
type poller struct{}

func (p *poller) open() error { return errors.ErrUnsupported }

func (p *poller) close() {}

func (p *poller) wake() {}

func (p *poller) drain() {}

func (p *poller) wait(int) (int, error) { return 0, errors.ErrUnsupported }

func (p *poller) event(int) (fd int32, serial uint32, raise flags) { return -1, 0, 0 }

func (p *poller) add(int, uint32, bool) error { return errors.ErrUnsupported }

func (p *poller) modify(int, uint32, bool) error { return errors.ErrUnsupported }

func (p *poller) listen(int, uint32) error { return errors.ErrUnsupported }

func (p *poller) remove(int) {}
