#!/usr/bin/env bash
# Ready when the graph's store answers a read: an open port or g.inject() would prove nothing.
exec 3<>/dev/tcp/127.0.0.1/"${1:-8182}" || exit 1
printf 'GET /gremlin?gremlin=g.V(%%27meta:schema%%27).count() HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 20 _ status _ <&3
[ "$status" = 200 ]
