// Package compose pins the loader of Docker Compose (go.mod, go.sum), with which docker-compose.yml is checked;
// `make deploy-tools` builds it.
package compose
