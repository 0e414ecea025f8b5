// Package promtool pins the version and the hashes of promtool (go.mod, go.sum); `make promtool` builds it.
package promtool
