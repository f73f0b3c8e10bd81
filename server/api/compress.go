package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/zstd"

	"outpost/server/cache"
)

// compressed sends a body that is not kept, and so is compressed for this one answer.
func (k *call) compressed(body []byte) error {
	r := k.c.Response()
	if len(body) >= cache.MinEncoded {
		set(&r.Header, fiber.HeaderVary, []byte(vary))
		if encoding := chooseEncoding(k.c.Request().Header.Peek(fiber.HeaderAcceptEncoding)); encoding != "" {
			var err error
			if body, err = compress(encoding, body); err != nil {
				return fmt.Errorf("compressing an answer: %w", err)
			}
			r.Header.SetContentEncoding(encoding)
		}
	}
	r.SetBodyRaw(body)
	return nil
}

// quickBrotli: what is sent once is not worth more.
const quickBrotli = 4

func compress(encoding string, body []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "zstd":
		z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		w = z
	case "br":
		w = brotli.NewWriterLevel(&out, quickBrotli)
	case "gzip":
		w = gzip.NewWriter(&out)
	default:
		return nil, fmt.Errorf("%q is none of the encodings", encoding)
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
