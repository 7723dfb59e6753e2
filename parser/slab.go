package parser

// slab hands out values from arrays of many, because a configuration can have
// a hundred thousand of them.
type slab[T any] struct {
	free []T
	size int // of the array that free is of
}

const (
	smallestSlab = 16
	largestSlab  = 1024
)

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// copy gives a copy of from that cannot grow into its neighbours.
func (s *slab[T]) copy(from []T) []T {
	if len(from) == 0 {
		return nil
	}
	to := s.take(len(from))
	copy(to, from)
	return to
}

func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		if n >= largestSlab/4 {
			return make([]T, n)
		}
		s.size = min(max(smallestSlab, 2*s.size, n), largestSlab)
		s.free = make([]T, s.size)
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}
