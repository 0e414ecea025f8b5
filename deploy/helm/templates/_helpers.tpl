{{- define "lineage.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "lineage.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "lineage.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lineage.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select: a list of the root and the component. */}}
{{- define "lineage.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "lineage.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "lineage.labels" -}}
{{- $root := index . 0 -}}
{{ include "lineage.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{- define "lineage.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lineage.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "lineage.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "lineage.graphUrls" -}}
{{- if .Values.graph.urls -}}
{{ join "," .Values.graph.urls }}
{{- else if .Values.janusgraph.enabled -}}
ws://{{ include "lineage.fullname" . }}-janusgraph:8182/gremlin
{{- else -}}
{{ fail "Set graph.urls to your JanusGraph, or janusgraph.enabled to true for one of the chart." }}
{{- end -}}
{{- end -}}

{{/* The settings that hold no secret, as a map of variables. */}}
{{- define "lineage.settings" -}}
LINEAGE_KAFKA_BOOTSTRAP_SERVERS: {{ join "," .Values.kafka.bootstrapServers | quote }}
{{- if .Values.kafka.topicPattern }}
LINEAGE_TOPIC_PATTERN: {{ .Values.kafka.topicPattern | quote }}
{{- else }}
LINEAGE_TOPICS: {{ join "," .Values.kafka.topics | quote }}
{{- end }}
LINEAGE_GROUP: {{ .Values.kafka.group | quote }}
LINEAGE_KAFKA_SECURITY_PROTOCOL: {{ .Values.kafka.securityProtocol | quote }}
{{- if contains "SASL" .Values.kafka.securityProtocol }}
LINEAGE_KAFKA_SASL_MECHANISM: {{ .Values.kafka.saslMechanism | quote }}
{{- end }}
{{- if .Values.kafka.credentialsSecret }}
LINEAGE_KAFKA_PASSWORD_FILE: /var/run/secrets/lineagegraph/kafka/password
{{- end }}
{{- if .Values.kafka.tlsSecret }}
LINEAGE_KAFKA_TLS_CA_FILE: /var/run/secrets/lineagegraph/kafka-tls/ca.crt
{{- if .Values.kafka.mutualTls }}
LINEAGE_KAFKA_TLS_CERT_FILE: /var/run/secrets/lineagegraph/kafka-tls/tls.crt
LINEAGE_KAFKA_TLS_KEY_FILE: /var/run/secrets/lineagegraph/kafka-tls/tls.key
{{- end }}
{{- end }}
LINEAGE_GRAPH_URLS: {{ include "lineage.graphUrls" . | quote }}
LINEAGE_GRAPH_SYNC_SECONDS: {{ .Values.graph.syncSeconds | quote }}
{{- if .Values.graph.credentialsSecret }}
LINEAGE_GRAPH_PASSWORD_FILE: /var/run/secrets/lineagegraph/graph/password
{{- end }}
{{- if .Values.graph.tlsSecret }}
LINEAGE_GRAPH_TLS_CA_FILE: /var/run/secrets/lineagegraph/graph-tls/ca.crt
{{- end }}
{{- if .Values.naming }}
LINEAGE_NAMING_FILE: /etc/lineagegraph/naming.toml
{{- end }}
{{- if .Values.aliases }}
LINEAGE_ALIASES_FILE: /etc/lineagegraph/aliases.toml
{{- end }}
LINEAGE_HTTP_HOST: 0.0.0.0
{{- range $name, $value := .Values.settings }}
LINEAGE_{{ upper $name }}: {{ if kindIs "slice" $value }}{{ join "," $value | quote }}{{ else if kindIs "float64" $value }}{{ $value | toJson | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}

{{/* What makes a pod differ: a change of settings or naming rules starts new pods. */}}
{{- define "lineage.checksum" -}}
{{- printf "%s%s%s%s" (include "lineage.image" .) (include "lineage.settings" .) .Values.naming .Values.aliases | sha256sum | trunc 16 -}}
{{- end -}}

{{- define "lineage.env" -}}
envFrom:
  - configMapRef: {name: {{ include "lineage.fullname" . }}}
env:
  {{- if .Values.kafka.credentialsSecret }}
  - name: LINEAGE_KAFKA_USERNAME
    valueFrom: {secretKeyRef: {name: {{ .Values.kafka.credentialsSecret }}, key: username}}
  {{- end }}
  {{- if .Values.graph.credentialsSecret }}
  - name: LINEAGE_GRAPH_USERNAME
    valueFrom: {secretKeyRef: {name: {{ .Values.graph.credentialsSecret }}, key: username}}
  {{- end }}
  - name: TMPDIR
    value: /tmp
  {{- with .Values.tracing.endpoint }}
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ . | quote }}
  {{- end }}
{{- end -}}

{{- define "lineage.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if or .Values.naming .Values.aliases }}
- {name: naming, mountPath: /etc/lineagegraph, readOnly: true}
{{- end }}
{{- if .Values.kafka.credentialsSecret }}
- {name: kafka, mountPath: /var/run/secrets/lineagegraph/kafka, readOnly: true}
{{- end }}
{{- if .Values.kafka.tlsSecret }}
- {name: kafka-tls, mountPath: /var/run/secrets/lineagegraph/kafka-tls, readOnly: true}
{{- end }}
{{- if .Values.graph.credentialsSecret }}
- {name: graph, mountPath: /var/run/secrets/lineagegraph/graph, readOnly: true}
{{- end }}
{{- if .Values.graph.tlsSecret }}
- {name: graph-tls, mountPath: /var/run/secrets/lineagegraph/graph-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "lineage.volumes" -}}
- {name: tmp, emptyDir: {}}
{{- if or .Values.naming .Values.aliases }}
- {name: naming, configMap: {name: {{ include "lineage.fullname" . }}-naming}}
{{- end }}
{{- if .Values.kafka.credentialsSecret }}
- {name: kafka, secret: {secretName: {{ .Values.kafka.credentialsSecret }}, items: [{key: password, path: password}]}}
{{- end }}
{{- if .Values.kafka.tlsSecret }}
- {name: kafka-tls, secret: {secretName: {{ .Values.kafka.tlsSecret }}}}
{{- end }}
{{- if .Values.graph.credentialsSecret }}
- {name: graph, secret: {secretName: {{ .Values.graph.credentialsSecret }}, items: [{key: password, path: password}]}}
{{- end }}
{{- if .Values.graph.tlsSecret }}
- {name: graph-tls, secret: {secretName: {{ .Values.graph.tlsSecret }}}}
{{- end }}
{{- end -}}

{{- define "lineage.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "lineage.container" -}}
image: {{ include "lineage.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "lineage.containerSecurity" . | nindent 2 }}
{{- end -}}

{{/* What all pods of the product have in common. */}}
{{- define "lineage.pod" -}}
serviceAccountName: {{ include "lineage.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* Nothing starts before its schema is there: a list of the root and the resources. */}}
{{- define "lineage.waitForSchema" -}}
{{- $root := index . 0 -}}
initContainers:
  - name: schema
    {{- include "lineage.container" $root | nindent 4 }}
    args: [schema, check]
    {{- include "lineage.env" $root | nindent 4 }}
    resources:
      {{- toYaml $root.Values.schemaJob.resources | nindent 6 }}
    volumeMounts:
      {{- include "lineage.mounts" $root | nindent 6 }}
{{- end -}}

{{/* Where pods go: a list of the root, the component and its values. */}}
{{- define "lineage.placement" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index . 2 -}}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range ternary (list "topology.kubernetes.io/zone" "kubernetes.io/hostname") (list "kubernetes.io/hostname") $root.Values.topologySpread.zones }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "lineage.selector" (list $root $component) | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}
