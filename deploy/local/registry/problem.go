package registry

import (
	"errors"
	"fmt"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// The error codes of Confluent's registry. The first three digits are the HTTP status.
const (
	malformed             = 400
	noSuchCall            = 404
	wrongContentType      = 415
	subjectNotFound       = 40401
	versionNotFound       = 40402
	schemaNotFound        = 40403
	subjectDeleted        = 40404
	subjectNotDeleted     = 40405
	versionDeleted        = 40406
	versionNotDeleted     = 40407
	noSubjectLevel        = 40408
	noSubjectMode         = 40409
	schemaIncompatible    = 409
	invalidSchema         = 42201
	invalidVersion        = 42202
	invalidLevel          = 42203
	storageFailed         = 50001
	firstFiveDigitProblem = 1000
)

// problem is the body of every answer that is not a success.
type problem struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (p problem) Error() string { return p.Message }

func (p problem) status() int {
	if p.Code < firstFiveDigitProblem {
		return p.Code
	}
	return p.Code / 100
}

func refuse(code int, format string, args ...any) error {
	return problem{Code: code, Message: fmt.Sprintf(format, args...)}
}

func problemOf(err error) problem {
	var p problem
	var broken *compat.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &broken):
		return problem{schemaIncompatible, "Schema being registered is incompatible with an earlier schema: " + broken.Error()}
	case errors.Is(err, compat.ErrSchema):
		return problem{invalidSchema, "Invalid schema: " + err.Error()}
	case errors.Is(err, compat.ErrLevel):
		return problem{invalidLevel, "Invalid compatibility level. Valid values are none, backward, forward, full, " +
			"backward_transitive, forward_transitive, and full_transitive"}
	}
	return problem{storageFailed, "Error while storing in the registry"}
}
