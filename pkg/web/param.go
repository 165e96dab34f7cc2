package web

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// maxID is how long an id may be. Ours are UUIDs, but another producer may have
// chosen an order's.
const maxID = 256

// ByID gives next the id in a path parameter as its owner wrote it. An id that
// nobody can have is answered with 404 and this detail, before it becomes a key:
// some databases fail on such a text.
func ByID(name, nobody string, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Param(name)
		var err error
		if c.Request().URL.RawPath != "" { // only then the router matched, and cut, the escaped path
			id, err = url.PathUnescape(id)
		}
		if err != nil || id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.Contains(id, "\x00") {
			return NotFound(nobody)
		}
		c.SetParamValues(id)
		return next(c)
	}
}
