// Package helm pins the version and the hashes of helm (go.mod, go.sum); `make deploy-tools` builds it.
package helm
