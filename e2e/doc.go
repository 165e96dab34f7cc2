// Package e2e tells stories about the whole system and judges how they end. It
// knows the system from outside only: its HTTP APIs, its topics, and the
// ledgers of the outside world. It opens no database and no service's code,
// except for the five Flow values, against whose tables, and the histories that
// the explorer finds with their reactions, it holds what it sees.
//
// The stories are functions, so that the tests and the demo play the same ones,
// on local processes, on containers, or on whatever answers at a set of URLs.
package e2e
