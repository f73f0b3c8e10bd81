package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// nginx keeps what it has in a folder, in memory where there is such a disk, and its answers
// for longer than a run lasts, whatever Outpost says about that: it checks neither token nor
// freshness. Two workers for two cores, each with a queue of its own.
const nginxConf = `
daemon off;
%s
worker_processes auto;
pid %[2]s/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 65536;
events { worker_connections 4096; multi_accept on; }
http {
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  open_file_cache max=20000 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  proxy_cache_path %[2]s/cache levels=1:2 keys_zone=peers:32m max_size=1g inactive=1h use_temp_path=off;
  upstream outpost { server %[4]s; keepalive 16; }
  server {
    listen %[3]s reuseport backlog=4096;
    location / {
      proxy_pass http://outpost;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache peers;
      proxy_cache_key $request_uri;
      proxy_cache_valid 200 1h;
      proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;
      proxy_cache_lock on;
    }
  }
}
`

func (l *lab) startNginx(s *side) (err error) {
	if s.addr, err = l.ports.Free(); err != nil {
		return err
	}
	dir, err := l.memoryFolder("nginx")
	if err != nil {
		return err
	}
	account := "" // only root may choose one
	if os.Getuid() == 0 {
		account = "user root;"
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, account, dir, s.addr, l.primary.api), 0o600); err != nil {
		return fmt.Errorf("configuring nginx: %w", err)
	}
	program, err := find("nginx")
	if err != nil {
		return err
	}
	p, err := l.start("nginx", nil, program, "-c", conf, "-p", dir, "-e", "stderr")
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return l.listening(p, s.addr)
}

// varnish keeps an answer under its path and for longer than a run lasts, though a token came
// with the request and Outpost says no-cache. It is told to leave compression alone: else it asks
// for gzip, and unpacks that for everybody who did not.
const vcl = `
vcl 4.1;
backend outpost { .host = "%s"; .port = "%s"; }
sub vcl_recv { return (hash); }
sub vcl_hash { hash_data(req.url); return (lookup); }
sub vcl_backend_response {
  unset beresp.http.Vary;
  set beresp.uncacheable = false;
  if (beresp.status == 200) { set beresp.ttl = 1h; } else { set beresp.ttl = 0s; set beresp.uncacheable = true; }
  return (deliver);
}
`

func (l *lab) startVarnish(s *side) (err error) {
	if s.addr, err = l.ports.Free(); err != nil {
		return err
	}
	dir, err := l.memoryFolder("varnish")
	if err != nil {
		return err
	}
	host, port := split(l.primary.api)
	conf := filepath.Join(dir, "peers.vcl")
	if err := os.WriteFile(conf, fmt.Appendf(nil, vcl, host, port), 0o644); err != nil {
		return fmt.Errorf("configuring varnish: %w", err)
	}
	program, err := find("varnishd")
	if err != nil {
		return err
	}
	p, err := l.start("varnish", nil, program, "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-f", conf, "-a", s.addr,
		"-s", "malloc,512m", "-p", "thread_pools=2", "-p", "thread_pool_min=100", "-p", "timeout_idle=3600", "-p", "http_gzip_support=off")
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return l.listening(p, s.addr)
}

// startRedis starts one that keeps nothing on disk.
func (l *lab) startRedis(s *side) (addr string, err error) {
	if addr, err = l.ports.Free(); err != nil {
		return "", err
	}
	program, err := find("redis-server")
	if err != nil {
		return "", err
	}
	host, port := split(addr)
	p, err := l.start("redis-"+s.name, nil, program, "--bind", host, "--port", port, "--save", "", "--appendonly", "no",
		"--dir", l.folder, "--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru")
	if err != nil {
		return "", err
	}
	s.processes = append(s.processes, p)
	return addr, l.listening(p, addr)
}

// redisCounts are what a Redis says of whether it had what it was asked for.
func redisCounts(ctx context.Context, addr string) (c counts, err error) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	text, err := client.Info(ctx, "stats").Result()
	if err != nil {
		return c, fmt.Errorf("asking Redis: %w", err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "keyspace_hits":
			c.hits, err = strconv.ParseFloat(value, 64)
		case "keyspace_misses":
			c.misses, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return c, fmt.Errorf("reading what Redis says: %w", err)
		}
	}
	return c, nil
}
