// Go's WebSocket libraries as clients and as echo servers:
//
//	go_peer gorilla|xnet|nhooyr MODE ...
//
// peers.py says what the modes are and what is printed.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	gorilla "github.com/gorilla/websocket"
	xnet "golang.org/x/net/websocket"
	nhooyr "nhooyr.io/websocket"
)

const most = 1 << 26

var sizes = []int{0, 1, 125, 126, 65535, 65536, 1 << 20, 5000000}

// A library, to a conversation. An error of `receive` may be a close frame.
type peer interface {
	open(url, option string) (subprotocol string, err error)
	send(text bool, data []byte) error
	sendInPieces(data []byte) (possible bool, err error)
	receive() (text bool, data []byte, err error)
	ping(payload string) (possible bool, err error)
	close(code int, reason string) error // waits for the answer
	closedWith(err error) string
	serve(listener net.Listener, option string) error
}

func must(err error) {
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
}

func content(text bool, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		if text {
			data[i] = "warp and weft "[i%14]
		} else {
			data[i] = byte(i*i>>7 + i)
		}
	}
	if text && size >= 7 {
		copy(data, "☕🧵")
	}
	return data
}

func echo(p peer, url, option string) {
	subprotocol, err := p.open(url, option)
	must(err)
	fmt.Println("open", subprotocol)
	back := func(text bool, data []byte) string {
		gotText, got, err := p.receive()
		must(err)
		if gotText != text || !bytes.Equal(got, data) {
			must(fmt.Errorf("%d bytes came back as %d, or changed", len(data), len(got)))
		}
		return fmt.Sprint(map[bool]string{true: "text ", false: "binary "}[text], len(data))
	}
	for _, text := range []bool{true, false} {
		for _, size := range sizes {
			data := content(text, size)
			must(p.send(text, data))
			fmt.Println(back(text, data))
		}
	}
	data := content(true, 5000000)
	if possible, err := p.sendInPieces(data); possible {
		must(err)
		fmt.Println("pieces", back(true, data))
	}
	if possible, err := p.ping("are you there"); possible {
		must(err)
		fmt.Println("pong are you there")
	}
	fmt.Println("close", p.closedWith(p.close(4001, "bye")))
}

func wait(p peer, url string, excess int) {
	_, err := p.open(url, "")
	must(err)
	fmt.Println("open")
	if excess > 0 {
		must(p.send(false, content(false, excess)))
	}
	_, _, err = p.receive()
	fmt.Println("close", p.closedWith(err))
}

func serve(p peer, option string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("listening on ws://%s/\n", listener.Addr())
	must(p.serve(listener, option))
}

func main() {
	p := map[string]peer{"gorilla": &gorillaPeer{}, "xnet": &xnetPeer{}, "nhooyr": &nhooyrPeer{}}[os.Args[1]]
	rest := append(os.Args[3:], "", "")
	switch os.Args[2] {
	case "echo":
		echo(p, rest[0], rest[1])
	case "wait":
		excess := 0
		fmt.Sscan(rest[1], &excess)
		wait(p, rest[0], excess)
	case "serve":
		serve(p, rest[0])
	}
}

// ---- gorilla: a message larger than the write buffer goes in frames of 4 kB ----

type gorillaPeer struct{ conn *gorilla.Conn }

func (p *gorillaPeer) open(url, option string) (string, error) {
	dialer := gorilla.Dialer{Subprotocols: []string{"other", "chat"}, WriteBufferSize: 4096, EnableCompression: option == "deflate"}
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		return "", err
	}
	p.conn = conn
	return conn.Subprotocol(), nil
}

func kind(text bool) int {
	if text {
		return gorilla.TextMessage
	}
	return gorilla.BinaryMessage
}

func (p *gorillaPeer) send(text bool, data []byte) error {
	return p.conn.WriteMessage(kind(text), data)
}

func (p *gorillaPeer) sendInPieces(data []byte) (bool, error) {
	w, err := p.conn.NextWriter(gorilla.TextMessage)
	if err != nil {
		return true, err
	}
	if _, err = io.Copy(w, bytes.NewReader(data)); err != nil {
		return true, err
	}
	return true, w.Close()
}

func (p *gorillaPeer) receive() (bool, []byte, error) {
	kind, data, err := p.conn.ReadMessage()
	return kind == gorilla.TextMessage, data, err
}

// A pong is seen while one reads: a message behind the ping brings the reader past it.
func (p *gorillaPeer) ping(payload string) (bool, error) {
	answered := ""
	p.conn.SetPongHandler(func(got string) error { answered = got; return nil })
	if err := p.conn.WriteControl(gorilla.PingMessage, []byte(payload), time.Now().Add(time.Minute)); err != nil {
		return true, err
	}
	if err := p.conn.WriteJSON("done"); err != nil {
		return true, err
	}
	var done string
	if err := p.conn.ReadJSON(&done); err != nil {
		return true, err
	}
	if answered != payload || done != "done" {
		return true, fmt.Errorf("the pong was %q", answered)
	}
	return true, nil
}

func (p *gorillaPeer) close(code int, reason string) error {
	if err := p.conn.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, reason)); err != nil {
		return err
	}
	_, _, err := p.receive()
	return err
}

func (p *gorillaPeer) closedWith(err error) string {
	var closed *gorilla.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprint(closed.Code, " ", closed.Text)
	}
	return fmt.Sprint("without a frame: ", err)
}

func (p *gorillaPeer) serve(listener net.Listener, option string) error {
	upgrader := gorilla.Upgrader{WriteBufferSize: 4096, EnableCompression: option == "deflate", Subprotocols: []string{"chat"}}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		must(err)
		defer conn.Close()
		conn.SetPongHandler(func(got string) error { fmt.Println("pong", got); return nil })
		must(conn.WriteControl(gorilla.PingMessage, []byte("are you there"), time.Now().Add(time.Minute)))
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil {
				fmt.Println("close", p.closedWith(err))
				return
			}
			if string(data) == "leave" {
				conn.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(4321, "because"))
			} else if err := conn.WriteMessage(kind, data); err != nil {
				fmt.Println("failed", err)
			}
		}
	}))
}

// ---- golang.org/x/net/websocket: no pieces, no compression, hides pongs and the codes of close frames ----

type xnetPeer struct{ conn *xnet.Conn }

type xnetMessage struct {
	text bool
	data []byte
}

var xnetCodec = xnet.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) {
		m := v.(xnetMessage)
		if m.text {
			return m.data, xnet.TextFrame, nil
		}
		return m.data, xnet.BinaryFrame, nil
	},
	Unmarshal: func(data []byte, kind byte, v interface{}) error {
		*v.(*xnetMessage) = xnetMessage{kind == xnet.TextFrame, data}
		return nil
	},
}

func (p *xnetPeer) open(url, option string) (string, error) {
	// The origin is what the package's example gives: with a slash at its end.
	config, err := xnet.NewConfig(url, "http://localhost/")
	if err != nil {
		return "", err
	}
	config.Protocol = []string{"other", "chat"}
	if p.conn, err = xnet.DialConfig(config); err != nil {
		return "", err
	}
	return strings.Join(p.conn.Config().Protocol, ","), nil
}

func (p *xnetPeer) send(text bool, data []byte) error {
	return xnetCodec.Send(p.conn, xnetMessage{text, data})
}

func (p *xnetPeer) sendInPieces([]byte) (bool, error) { return false, nil }
func (p *xnetPeer) ping(string) (bool, error)         { return false, nil }

func (p *xnetPeer) receive() (bool, []byte, error) {
	var m xnetMessage
	p.conn.MaxPayloadBytes = most
	err := xnetCodec.Receive(p.conn, &m)
	return m.text, m.data, err
}

func (p *xnetPeer) close(code int, reason string) error {
	if err := p.conn.WriteClose(code); err != nil {
		return err
	}
	_, _, err := p.receive()
	return err
}

func (p *xnetPeer) closedWith(err error) string { return fmt.Sprint(err) }

func (p *xnetPeer) serve(listener net.Listener, option string) error {
	handler := func(conn *xnet.Conn) {
		its := xnetPeer{conn}
		for {
			text, data, err := its.receive()
			if err != nil {
				fmt.Println("close", err)
				return
			}
			if string(data) == "leave" {
				conn.WriteClose(4321)
			} else if err := its.send(text, data); err != nil {
				fmt.Println("failed", err)
			}
		}
	}
	choose := func(config *xnet.Config, r *http.Request) error {
		if len(config.Protocol) > 0 {
			config.Protocol = []string{"chat"}
		}
		return nil
	}
	return http.Serve(listener, xnet.Server{Handler: handler, Handshake: choose})
}

// ---- nhooyr.io/websocket ----

type nhooyrPeer struct{ conn *nhooyr.Conn }

var modes = map[string]nhooyr.CompressionMode{
	"": nhooyr.CompressionDisabled, "deflate": nhooyr.CompressionNoContextTakeover, "takeover": nhooyr.CompressionContextTakeover}

var always = context.Background()

func (p *nhooyrPeer) open(url, option string) (string, error) {
	conn, _, err := nhooyr.Dial(always, url, &nhooyr.DialOptions{Subprotocols: []string{"other", "chat"}, CompressionMode: modes[option]})
	if err != nil {
		return "", err
	}
	conn.SetReadLimit(most)
	p.conn = conn
	return conn.Subprotocol(), nil
}

func (p *nhooyrPeer) send(text bool, data []byte) error {
	return p.conn.Write(always, nhooyr.MessageType(kind(text)), data)
}

func (p *nhooyrPeer) sendInPieces(data []byte) (bool, error) {
	w, err := p.conn.Writer(always, nhooyr.MessageText)
	if err != nil {
		return true, err
	}
	for len(data) > 0 {
		n := 4096
		if n > len(data) {
			n = len(data)
		}
		if _, err := w.Write(data[:n]); err != nil {
			return true, err
		}
		data = data[n:]
	}
	return true, w.Close()
}

func (p *nhooyrPeer) receive() (bool, []byte, error) {
	kind, data, err := p.conn.Read(always)
	return kind == nhooyr.MessageText, data, err
}

// Waits for the pong, which somebody has to read.
func (p *nhooyrPeer) ping(string) (bool, error) {
	read := make(chan error, 1)
	go func() {
		_, _, err := p.receive()
		read <- err
	}()
	if err := p.conn.Ping(always); err != nil {
		return true, err
	}
	if err := p.send(true, []byte("done")); err != nil {
		return true, err
	}
	return true, <-read
}

// Close waits for the answer and says what it was unless it is what was sent.
func (p *nhooyrPeer) close(code int, reason string) error {
	if err := p.conn.Close(nhooyr.StatusCode(code), reason); err != nil {
		return err
	}
	return nhooyr.CloseError{Code: nhooyr.StatusCode(code)}
}

func (p *nhooyrPeer) closedWith(err error) string {
	var closed nhooyr.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprint(int(closed.Code), " ", closed.Reason)
	}
	return fmt.Sprint("without a frame: ", err)
}

func (p *nhooyrPeer) serve(listener net.Listener, option string) error {
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := nhooyr.Accept(w, r, &nhooyr.AcceptOptions{Subprotocols: []string{"chat"}, CompressionMode: modes[option]})
		must(err)
		conn.SetReadLimit(most)
		its := nhooyrPeer{conn}
		go func() { must(conn.Ping(r.Context())); fmt.Println("pong are you there") }()
		for {
			text, data, err := its.receive()
			if err != nil {
				fmt.Println("close", p.closedWith(err))
				return
			}
			if string(data) == "leave" {
				conn.Close(4321, "because")
			} else if err := its.send(text, data); err != nil {
				fmt.Println("failed", err)
			}
		}
	}))
}
