package service

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
)

func TestProfilesAreReadWhileTheServiceRuns(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said bytes.Buffer
	if err := profile(ctx, "127.0.0.1:0", slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(said.String())[1]
	res, err := http.Get("http://" + address + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !bytes.Contains(text, []byte("TestProfilesAreRead")) {
		t.Errorf("the profile does not name this test (%v): %.200s", err, text)
	}
	if err := profile(ctx, address, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a taken address is no error")
	}
}
