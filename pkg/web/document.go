package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how many objects and arrays a body may hold inside one another.
const maxDepth = 32

// parseDocument reads one JSON document without loss. A whole number that fits an
// int64 becomes an int64, and any other number keeps its text. encoding/json is less
// strict: it lets the last of two equal keys win, mends broken UTF-8, and rounds
// numbers. The errors of parseDocument are problems.
//
// It refuses control characters in any string and key. Some databases cannot
// store a NUL, and none of the others belongs in a field of one line.
func parseDocument(data []byte) (any, []FieldError, error) {
	if !utf8.Valid(data) {
		return nil, nil, BadRequest("The body is not UTF-8.")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil { // checks the syntax to the last byte
		return nil, nil, syntaxProblem(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	r := documentReader{tokens: d}
	v, err := r.value("", maxDepth)
	return v, r.errors, err
}

func syntaxProblem(err error) *Problem {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return BadRequest(fmt.Sprintf("The body is not JSON: %s, at byte %d.", syntax.Error(), syntax.Offset))
	}
	return BadRequest("The body is not JSON.")
}

type documentReader struct {
	tokens *json.Decoder
	errors []FieldError
}

func (r *documentReader) value(at string, depth int) (any, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return nil, syntaxProblem(err)
	}
	switch token := token.(type) {
	case json.Delim:
		if depth == 0 {
			return nil, BadRequest(fmt.Sprintf("The body is nested deeper than %d.", maxDepth))
		}
		if token == '{' {
			return r.object(at, depth-1)
		}
		return r.array(at, depth-1)
	case json.Number:
		if n, err := strconv.ParseInt(string(token), 10, 64); err == nil && token != "-0" {
			return n, nil
		}
		return token, nil
	case string:
		r.check(at, token)
		return token, nil
	default: // bool, nil
		return token, nil
	}
}

func (r *documentReader) object(at string, depth int) (any, error) {
	object := map[string]any{}
	for r.tokens.More() {
		token, err := r.tokens.Token()
		if err != nil {
			return nil, syntaxProblem(err)
		}
		key, _ := token.(string) // the syntax has been checked
		if _, twice := object[key]; twice {
			p := BadRequest("The body has a field twice.")
			p.Errors = []FieldError{{readable(field(at, key)), "is there twice"}}
			return nil, p
		}
		r.check(field(at, key), key)
		if object[key], err = r.value(field(at, key), depth); err != nil {
			return nil, err
		}
	}
	_, err := r.tokens.Token() // the closing brace
	return object, err
}

func (r *documentReader) array(at string, depth int) (any, error) {
	array := []any{}
	for r.tokens.More() {
		v, err := r.value(element(at, len(array)), depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	_, err := r.tokens.Token() // the closing bracket
	return array, err
}

func (r *documentReader) check(at, s string) {
	for _, c := range s {
		if unicode.IsControl(c) {
			r.errors = append(r.errors, FieldError{readable(at), "must not contain control characters"})
			return
		}
	}
}

func field(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func element(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

// readable bounds and quotes the name of a field that the client chose.
func readable(at string) string {
	const most = 128
	if len(at) > most {
		at = at[:most] + "..."
	}
	for _, c := range at {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return strconv.QuoteToASCII(at)
		}
	}
	return at
}
