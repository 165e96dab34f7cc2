package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// maxErrors bounds an answer: a body of 1 MiB can be wrong in thousands of
// places.
const maxErrors = 100

// Decode reads the body of a request's operation into a pointer to a struct with
// json tags. The body must match the document. The error names every fault of the
// body; see [Problem] for the status. Decode leaves into alone if the request has no
// body and the document requires none.
//
// Decode reads a body that it refuses for some of its fields as far as it can.
//
// An integer must be written as one: 1.0 and 1e2 are refused. So an amount has one
// spelling, and no reader rounds it.
func (s *Spec) Decode(c echo.Context, into any) error {
	of := s.operations[operation(c)]
	if of.body == nil {
		return fmt.Errorf("decode body: the document has none for %s", operation(c))
	}
	data, err := readJSON(c, of.required)
	if err != nil || data == nil {
		return err
	}
	document, faults, err := parseDocument(data)
	if err != nil {
		return err
	}
	if faults = validate(of.body, document, faults); len(faults) > 0 {
		// The other fields are read all the same, so that the caller can add
		// the faults that it finds in them; see [WithFaults].
		_ = json.Unmarshal(data, into)
		return invalidBody(faults)
	}
	if err := json.Unmarshal(data, into); err != nil {
		// The struct is narrower than the document, say an int32 without a
		// maximum: the document is at fault, but the body cannot be accepted.
		var mistyped *json.UnmarshalTypeError
		if errors.As(err, &mistyped) {
			return invalidBody([]FieldError{{mistyped.Field, "is out of range"}}).Because(err)
		}
		return fmt.Errorf("decode body of %s: %w", operation(c), err)
	}
	return nil
}

// readJSON returns the body, or nil if it is empty and not required.
func readJSON(c echo.Context, required bool) ([]byte, error) {
	req := c.Request()
	data, err := io.ReadAll(req.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, BadRequest("The body ended early.")
	}
	if len(data) == 0 {
		if required {
			return nil, BadRequest("The body is empty.")
		}
		return nil, nil
	}
	media, params, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	charset := params["charset"]
	if err != nil || media != jsonType || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return nil, problem(http.StatusUnsupportedMediaType, "The body must be "+jsonType+" in UTF-8.")
	}
	if encoding := req.Header.Get(echo.HeaderContentEncoding); encoding != "" && encoding != "identity" {
		return nil, problem(http.StatusUnsupportedMediaType, "The body must not be compressed.")
	}
	return data, nil
}

func invalidBody(faults []FieldError) *Problem {
	detail := "The body does not say what the API describes."
	if more := len(faults) - maxErrors; more > 0 {
		detail = fmt.Sprintf("%s %d further errors are not listed.", detail, more)
		faults = faults[:maxErrors]
	}
	return Invalid(detail, faults...)
}

// validate adds to faults the document's violations of the schema. First come the
// faults given, of control characters, then those of exactness. The schema's own
// rules add nothing to a field that these have named.
func validate(schema *openapi3.Schema, document any, faults []FieldError) []FieldError {
	exact := exactness{}
	if !exact.visit(schema, document, "") {
		return append(faults, exact.faults...) // an array beyond its bound: the rest is not worth the work
	}
	faults = append(faults, exact.faults...)
	var known map[string]bool
	err := schema.VisitJSON(document, openapi3.MultiErrors(), openapi3.DisableSchemaErrorDetails())
	for _, e := range flatten(err) {
		var broken *openapi3.SchemaError
		if !errors.As(e, &broken) {
			faults = append(faults, FieldError{"", "does not match its schema"})
			continue
		}
		if broken.SchemaField == "properties" {
			continue // an unknown field, which exactness names better
		}
		if known == nil {
			known = map[string]bool{}
			for _, f := range faults {
				known[f.Field] = true
			}
		}
		if at := fieldOf(broken.JSONPointer(), document); !known[at] {
			faults = append(faults, FieldError{at, message(broken)})
		}
	}
	return faults
}

func flatten(err error) []error {
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // MultiError is never wrapped, and As would descend into it
		return many
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// fieldOf spells a JSON pointer as lines[2].quantity. The document decides whether
// a step is an index or a key.
func fieldOf(pointer []string, document any) string {
	at := ""
	for _, step := range pointer {
		switch v := document.(type) {
		case []any:
			i, _ := strconv.Atoi(step)
			at = element(at, i)
			document = v[i]
		case map[string]any:
			at = field(at, step)
			document = v[step]
		default:
			at = field(at, step)
		}
	}
	return at
}

func message(e *openapi3.SchemaError) string {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return "is missing"
	case "nullable":
		return "must not be null"
	case "type":
		return "must be " + strings.Join(s.Type.Slice(), " or ")
	case "enum":
		return "must be one of " + join(s.Enum)
	case "pattern":
		return "must match " + s.Pattern
	case "minimum":
		return "must be at least " + number(*s.Min)
	case "maximum":
		return "must be at most " + number(*s.Max)
	case "minLength":
		return fmt.Sprintf("must have at least %d characters", s.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	case "minItems":
		return fmt.Sprintf("must have at least %d items", s.MinItems)
	case "maxItems":
		return fmt.Sprintf("must have at most %d items", *s.MaxItems)
	case "uniqueItems":
		return "must not hold an item twice"
	}
	return e.Reason
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func join(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
