// Command referrers serves an OCI registry with the referrers API, in memory, on a free port of the
// loopback address, and prints "listening on HOST:PORT" once it is ready. The interop tests start it.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := registry.New(
		registry.WithReferrersSupport(true),
		registry.Logger(log.New(io.Discard, "", 0)),
	)
	fmt.Fprintln(os.Stderr, "listening on", listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}
