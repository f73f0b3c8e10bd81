package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// picture is a way to look at a page.
type picture struct {
	suffix, locale, scheme string
	width                  int64
}

// pictures are those of a page.
func (l listed) pictures() []picture {
	all := []picture{{"", "en", "light", 1440}}
	if l.important {
		all = append(all, picture{"-390", "en", "light", 390}, picture{"-dark", "en", "dark", 1440}, picture{"-de", "de", "light", 1440})
	}
	return all
}

// takePictures looks at all pages and keeps what it sees, in place of what was in the folder.
func takePictures(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for who, theirs := range byPerson() {
		b, end, err := openTab(shared.edge())
		if err != nil {
			return err
		}
		if who != nobody {
			err = b.signIn(who)
		}
		for _, l := range theirs {
			if err == nil {
				err = b.takePicturesOf(l, folder)
			}
		}
		end()
		if err != nil {
			return fmt.Errorf("taking pictures: %w", err)
		}
	}
	return nil
}

func (b *tab) takePicturesOf(l listed, folder string) error {
	path, err := l.fill()
	if err != nil {
		return err
	}
	for _, p := range l.pictures() {
		if err := b.look(p.width, p.scheme); err != nil {
			return err
		}
		if _, err := b.open(in(p.locale, path)); err != nil {
			return err
		}
		if err := b.settled(); err != nil {
			return err
		}
		var taken []byte
		if err := b.do(value(photograph, &taken)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, l.name+p.suffix+".webp"), taken, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// What a picture shows of a page, in its pixels, and at which size: there are many, and all are kept.
const (
	pictureHeight = 1600
	pictureScale  = 0.75
)

// photograph takes the page, as far down as a picture goes.
func photograph(ctx context.Context, target *chromedp.Target) ([]byte, error) {
	metrics, err := cdp.Call(ctx, target, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		return nil, err
	}
	whole, quality, size := true, int64(60), metrics.CSSContentSize
	taken, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatWebp, Quality: &quality, CaptureBeyondViewport: &whole,
		Clip: &page.Viewport{Width: size.Width, Height: min(size.Height, pictureHeight), Scale: pictureScale},
	})
	return taken.Data, err
}
