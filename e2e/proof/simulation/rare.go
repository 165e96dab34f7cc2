package simulation

import "slices"

// Rare are the paths that a simulation is made for. A run of many seeds that has not
// walked each of them often proves little, and fails.
func Rare() map[string]string {
	return map[string]string{
		"event duplicate":     "a record came again under another offset, and the inbox absorbed it",
		"command replayed":    "a command came again with its key, and was answered as before",
		"command expired":     "a caller gave up before his command's key was locked: it never happened",
		"result superseded":   "a result came whose call was answered, or under a lease that was lost",
		"timer superseded":    "a timer ran out that a batch had stopped or moved",
		"event parked":        "a fact could not be handled and its lane was parked",
		"event dead_lettered": "a record without a key became a dead letter at once",
		"a record was refused whose partition was another's": "a zombie consumer's record was not applied",
		"result parked":  "a result could not be handled and its lane was parked",
		"result waiting": "a result came behind a parked one of its lane",
		"timer parked":   "a timer could not be handled and its lane was parked",
		"timer waiting":  "a timer ran out behind a parked one of its lane",
		"parked facts that waited behind another were handled after it":        "",
		"parked results that waited behind another were handled after it":      "",
		"parked timers that waited behind another were handled after it":       "",
		"a parked input was handled before its attempts were spent":            "what was wrong passed",
		"the registry was away when it was asked":                              "",
		"the registry was asked for a schema that it did not know":             "",
		"a schema was learned of by a process that had asked for it before":    "",
		"a batch had as many inputs as it may":                                 "",
		"a batch had as many bytes as it may":                                  "",
		"log: retry parked lane":                                               "",
		"a schema was unknown for long":                                        "its record was parked",
		"a key was used for another request, which was refused":                "",
		"two requests under one key were under way at two instances":           "",
		"a dead letter was published":                                          "",
		"a late charge was refused by its tombstone":                           "a charge arrived after its void",
		"a charge that nobody had heard of was refunded":                       "a charge whose answer was lost was undone by its void",
		"a receipt of unknown outcome was not repeated":                        "",
		"a call was made by a second process":                                  "its row says that it may have been made",
		"a commit did not happen, and nobody said so":                          "",
		"a commit happened and its answer was lost":                            "",
		"a commit happened after its process had given it up":                  "",
		"a command of unknown outcome was repeated":                            "",
		"a command's process was killed":                                       "",
		"a transaction that idled was ended":                                   "",
		"a process that had been frozen published":                             "a zombie relay",
		"a process that had been frozen called the outside world":              "a zombie worker",
		"an owner was overtaken by a claim that came late, and claimed again":  "",
		"an event was published again":                                         "a copy, under the same id",
		"a commit was refused, and certainly did not happen":                   "rolled back, and tried again",
		"a customer whose command was refused as busy went away":               "nothing may happen of it",
		"what was told to the other instance was lost":                         "only looking finds it",
		"a service that had nothing else to do was not ready yet":              "its database had just come back",
		"an acknowledgement was lost":                                          "",
		"an acknowledgement came twice":                                        "",
		"a record was refused by the broker":                                   "",
		"a record was appended twice":                                          "",
		"a lease was taken whose holder did not know what its commit had done": "",
		"an instance died for good":                                            "the other did what it had left",
		"two instances have swapped shards":                                    "one died or paused, and later the other did",
		"leases: gained":                                                       "shards were taken",
		"leases: lost":                                                         "shards were found to be another's",
		"leases: giving_back":                                                  "shards were given back to a newcomer",
		"counter: quintet_batches_split_total":                                 "a batch with a poisoned state was split",
		"counter: quintet_inputs_refused_by_database_total":                    "the poisoned state was found alone",
		"log: publish: trying again":                                           "",
		"log: batch rolled back; trying again":                                 "",
		"log: look at leases":                                                  "",
		"log: read what is to be done":                                         "",
	}
}

// Missing are the rare paths that were walked fewer times than often.
func Missing(walked map[string]int, often int) []string {
	var missing []string
	for path := range Rare() {
		if walked[path] < often {
			missing = append(missing, path)
		}
	}
	slices.Sort(missing)
	return missing
}
