// Sends spans with one of the real Go exporters and prints the ids of what it sent as JSON.
// usage: interop http|grpc COUNT; endpoint and compression come from OTEL_EXPORTER_OTLP_* as in any app
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var exporter sdk.SpanExporter
	if os.Args[1] == "grpc" {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter))
	tracer := provider.Tracer("interop-go")
	ids := make([]string, 0, count)
	for i := range count {
		_, span := tracer.Start(ctx, fmt.Sprintf("go %d", i), trace.WithAttributes(
			attribute.Int("index", i), attribute.String("text", "grüße"), attribute.StringSlice("list", []string{"a", "b"})))
		span.AddEvent("half way")
		span.End()
		ids = append(ids, span.SpanContext().SpanID().String())
	}
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(ids); err != nil {
		log.Fatal(err)
	}
}
