{{- define "engine.name" -}}
{{- $name := ternary .Release.Name (printf "%s-engine" .Release.Name) (contains "engine" .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "engine.selector" -}}
app.kubernetes.io/name: engine
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "engine.labels" -}}
{{ include "engine.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "engine.keySecret" -}}
{{- if .Values.apiKeys.existingSecret }}{{ .Values.apiKeys.existingSecret }}
{{- else if .Values.apiKeys.keys }}{{ include "engine.name" . }}-keys
{{- end }}
{{- end }}

{{- define "engine.claim" -}}
{{ .Values.models.existingClaim | default (printf "%s-models" (include "engine.name" .)) }}
{{- end }}
