{{- define "imgscan.labels" -}}
app.kubernetes.io/name: imgscan-webhook
app.kubernetes.io/part-of: imgscan
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- define "imgscan.selector" -}}
app.kubernetes.io/name: imgscan-webhook
{{- end }}
{{- define "imgscan.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
