// Command local runs the whole system on this machine and inspects it.
package main

import "github.com/alecthomas/kong"

// place is the location of a stack; every command has it.
type place struct {
	Bin      string `help:"Directory of the executables." default:"bin" type:"path"`
	Data     string `help:"Directory of all state." default:".quintet" type:"path"`
	PortBase int    `help:"All ports follow from it." env:"PORT_BASE" default:"8000"`
}

func main() {
	var commands struct {
		place
		Up     up     `cmd:"" help:"Run the whole system until Ctrl-C."`
		Clean  clean  `cmd:"" help:"Remove all state, unless a system runs on it."`
		Status status `cmd:"" help:"Say which processes run, whether they are ready, and how much memory they hold."`
	}
	run := kong.Parse(&commands, kong.Name("local"), kong.Description("Quintet on this machine."), kong.UsageOnError())
	run.FatalIfErrorf(run.Run(commands.place))
}
