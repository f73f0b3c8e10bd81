package mailtest

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// Step is where a conversation with a mail server is.
type Step string

// The steps, in their order.
const (
	Greeting Step = "greeting"
	Hello    Step = "EHLO"
	Mail     Step = "MAIL"
	Rcpt     Step = "RCPT"
	Data     Step = "DATA"
	Content  Step = "content" // the first line of the letter has come
	Dot      Step = "dot"     // the letter has come as a whole
)

// Steps are all of them.
func Steps() []Step { return []Step{Greeting, Hello, Mail, Rcpt, Data, Content, Dot} }

// What a Moody server may do in place of its answer.
const (
	Usual = ""
	Close = "close"
	Hang  = "hang" // until the client leaves
)

// Moody is a mail server that does at each step what a test wants.
type Moody struct {
	t      testing.TB
	listen net.Listener
	mood   func(step Step, to string) string

	mu    sync.Mutex
	whole []string
	conns map[net.Conn]bool
}

// StartMoody listens on addr. mood gives an answer such as "451 later", or one of Usual, Close and
// Hang; it may take its time. Until Rcpt, to is empty.
func StartMoody(t testing.TB, addr string, mood func(step Step, to string) string) *Moody {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	m := &Moody{t: t, listen: l, mood: mood, conns: make(map[net.Conn]bool)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			m.mu.Lock()
			m.conns[conn] = true
			m.mu.Unlock()
			running.Go(func() { m.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // which ends Accept
		m.mu.Lock()
		for conn := range m.conns {
			_ = conn.Close()
		}
		m.mu.Unlock()
		running.Wait()
	})
	return m
}

// Addr is where it listens.
func (m *Moody) Addr() string { return m.listen.Addr().String() }

// Whole are the recipients of the letters that came as a whole, whatever was answered.
func (m *Moody) Whole() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.whole...)
}

func (m *Moody) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close() // it may be closed already
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.conns, conn)
	}()
	c := conversation{m, conn, textproto.NewReader(bufio.NewReader(conn)), ""}
	if !c.answer(Greeting, "220 moody") {
		return
	}
	for {
		line, err := c.in.ReadLine()
		if err != nil {
			return
		}
		command, argument, _ := strings.Cut(line, ":")
		switch command = strings.ToUpper(command); {
		case strings.HasPrefix(command, "EHLO"), strings.HasPrefix(command, "HELO"):
			if !c.answer(Hello, "250-moody\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8") {
				return
			}
		case command == "MAIL FROM":
			if !c.answer(Mail, "250 go on") {
				return
			}
		case command == "RCPT TO":
			c.to = strings.Trim(argument, "<>")
			if !c.answer(Rcpt, "250 go on") {
				return
			}
		case command == "DATA":
			if !c.answer(Data, "354 go on") || !c.letter() {
				return
			}
		case command == "QUIT":
			c.say("221 bye")
			return
		default:
			c.say("250 so be it")
		}
	}
}

type conversation struct {
	*Moody
	conn net.Conn
	in   *textproto.Reader
	to   string
}

// letter reads one. Where DATA was answered otherwise the client sends none.
func (c *conversation) letter() bool {
	if c.to == "" {
		return true
	}
	first, err := c.in.ReadLine()
	if err != nil || !c.answer(Content, "") {
		return false
	}
	for line := first; line != "."; {
		if line, err = c.in.ReadLine(); err != nil {
			return false
		}
	}
	c.mu.Lock()
	c.whole = append(c.whole, c.to)
	c.mu.Unlock()
	return c.answer(Dot, "250 taken")
}

// answer says whether the conversation goes on.
func (c *conversation) answer(step Step, usual string) bool {
	switch mood := c.mood(step, c.to); mood {
	case Usual:
		if usual != "" {
			c.say(usual)
		}
	case Close:
		return false
	case Hang:
		for err := error(nil); err == nil; {
			_, err = c.in.R.ReadByte()
		}
		return false
	default:
		c.say(mood)
		if step == Data {
			c.to = "" // no letter follows
		}
	}
	return true
}

func (c *conversation) say(line string) {
	_, _ = fmt.Fprintf(c.conn, "%s\r\n", line) // a client that has gone shows when its next line is read
}
