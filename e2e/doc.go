// Package e2e plays stories on the whole system and judges their ends. It knows the
// system from outside only: its HTTP APIs, its topics, and the ledgers of the outside
// world. It opens no database, and uses no service's code but the five Flow values. It
// checks its observations against their tables, and against the histories that the
// explorer computes with their reactions.
//
// The stories are functions, so that the tests and the demo play the same ones. They
// play on local processes, on containers, or on any system at a set of URLs.
package e2e
