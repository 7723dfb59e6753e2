package upstream_test

import (
	"fmt"
	"time"

	"github.com/gostream/gostream/upstream"
)

func Example() {
	group, err := upstream.New(&upstream.Config{Name: "db", Servers: []upstream.Server{
		{Address: "192.0.2.1:5432", Weight: 2},
		{Address: "192.0.2.2:5432"},
		{Address: "192.0.2.3:5432", Backup: true},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	connect := func(p *upstream.Peer) bool { return p.Name() != "192.0.2.2:5432" } // instead of net.Dial
	for range 4 {
		var sel upstream.Selection
		for group.Start(&sel, nil); ; {
			peer, err := group.Next(&sel, now)
			if err != nil {
				fmt.Println(err)
				break
			}
			if connect(peer) {
				group.Connected(&sel, peer, now)
				fmt.Println("served by", peer.Name())
				group.Done(&sel, peer, now)
				break
			}
			if group.Failed(&sel, peer, now) {
				fmt.Println("disabled:", peer.Name())
			}
			if sel.Tries() == 0 {
				break
			}
		}
	}
	// Output:
	// served by 192.0.2.1:5432
	// disabled: 192.0.2.2:5432
	// served by 192.0.2.1:5432
	// served by 192.0.2.1:5432
	// served by 192.0.2.1:5432
}

// Another server takes some keys from each; the others stay where they are.
func ExampleConfig_consistentHash() {
	servers := []upstream.Server{{Address: "192.0.2.1:80"}, {Address: "192.0.2.2:80"}}
	for range 2 {
		group, err := upstream.New(&upstream.Config{Method: upstream.ConsistentHash, Servers: servers})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, client := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.4"} {
			var sel upstream.Selection
			group.Start(&sel, []byte(client))
			peer, _ := group.Next(&sel, time.Now())
			fmt.Println(client, peer.Name())
			group.Done(&sel, peer, time.Now())
		}
		servers = append(servers, upstream.Server{Address: "192.0.2.3:80"})
	}
	// Output:
	// 198.51.100.1 192.0.2.2:80
	// 198.51.100.2 192.0.2.2:80
	// 198.51.100.4 192.0.2.1:80
	// 198.51.100.1 192.0.2.3:80
	// 198.51.100.2 192.0.2.2:80
	// 198.51.100.4 192.0.2.1:80
}
