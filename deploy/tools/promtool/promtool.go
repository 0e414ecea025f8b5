// Package promtool pins the version and the hashes of promtool (go.mod, go.sum); `make deploy-tools` builds it.
package promtool
